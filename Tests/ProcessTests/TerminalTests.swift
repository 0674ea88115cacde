// What the server shows on a terminal: a pseudoterminal stands in for one.

import Glibc
import TestSupport
import Testing

extension ProcessTests {
    @Suite struct OnATerminal {
        @Test func theFiguresAreALiveTableThatIsTakenAwayAtTheEnd() throws {
            let program = try Running(
                "everycore", ["--port", "0", "--admin", "off", "--workers", "2", "--report-interval", "100ms"],
                terminal: Terminal(columns: 180, rows: 40))
            #expect(program.prints("p99.9"))
            // It is drawn again and again in the same place, the last rows.
            #expect(program.becomesTrue(within: .seconds(3)) { program.output.ranges(of: "\u{1B}[40;1H").count > 2 })
            #expect(!program.output.contains("\u{1B}[r"))
            program.signal(SIGTERM)
            #expect(program.wait(within: .seconds(5)) == 0)
            // The whole terminal scrolls again, and the summary stays.
            let resets = program.output.ranges(of: "\u{1B}[r")
            try #require(resets.count == 1)
            #expect(program.output[resets[0].upperBound...].contains("connections 0 accepted"))
        }
    }
}
