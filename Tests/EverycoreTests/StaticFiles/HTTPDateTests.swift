// Facts about dates as clients send them.

import Everycore
import EverycoreHTTP
import Testing

struct HTTPDateTests {
    private let now: Int64 = 1_800_000_000

    @Test(arguments: [
        "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994",
    ])
    func `all three forms are the same moment`(text: String) {
        #expect(HTTPDate.parse(text, now: now) == 784_111_777)
    }

    @Test func `what is sent is understood`() {
        for seconds in [0, 951_782_399, 951_782_400, 951_868_800, 1_709_164_800, 4_107_542_399, 253_402_300_799] as [Int64] {
            #expect(HTTPDate.parse(DateLine.fixdate(unixSeconds: seconds), now: now) == seconds)
        }
    }

    @Test func `a year of two digits is at most fifty years ahead`() {
        #expect(HTTPDate.parse("Saturday, 01-Jan-77 00:00:00 GMT", now: now) == 3_376_684_800)
        #expect(HTTPDate.parse("Saturday, 01-Jan-78 00:00:00 GMT", now: now) == 252_460_800)
        #expect(HTTPDate.parse("Saturday, 01-Jan-00 00:00:00 GMT", now: now) == 946_684_800)
    }

    @Test(arguments: [
        "", "0", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 UTC", "sun, 06 Nov 1994 08:49:37 GMT",
        "Sun, 6 Nov 1994 08:49:37 GMT", "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 29 Feb 1900 08:49:37 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:49:37 GMT", "Sun, 06 Nov 1994 08:60:37 GMT",
        "Sun, 06 Nov 1994 08:49:61 GMT", "Sun, 06 Nov 1994 08:49:37 GMT ", "Sun, 06 Nov 94 08:49:37 GMT",
        "Sunday, 06-Nov-1994 08:49:37 GMT", "Sun Nov 06 08:49:37 1994 GMT", "Sun, 06 Nov 1994 08:49:37 GMT, x", ",", "Xxx, ",
        "Sun, +6 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 -8:49:37 GMT",
    ])
    func `anything else is no date`(text: String) {
        #expect(HTTPDate.parse(text, now: now) == nil)
    }

    @Test func `a date of the leap second and of day one of a leap year`() {
        #expect(HTTPDate.parse("Sat, 31 Dec 2016 23:59:60 GMT", now: now) == 1_483_228_800)
        #expect(HTTPDate.parse("Tue, 29 Feb 2000 00:00:00 GMT", now: now) == 951_782_400)
        #expect(HTTPDate.parse("Tue Feb 29 00:00:00 2000", now: now) == 951_782_400)
    }
}
