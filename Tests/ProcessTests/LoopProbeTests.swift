// A loop around a fork, and its threads, as the program everycore-loop-probe finds them.

import TestSupport
import Testing

extension ProcessTests {
    @Suite struct AnEventLoop {
        @Test func startsNoThreadAlsoAfterAForkAndWithAsyncCodeOnIt() throws {
            let probe = try Running("everycore-loop-probe", [])
            #expect(probe.wait(within: .seconds(10)) == 0)
            #expect(probe.error == "")
            let facts: Set<String> = [
                "child-signal=true", "child-timer=true", "child-async-on-loop=true", "child-threads=1", "child-status=0",
                "parent-ticks-after-child=true", "parent-threads=1",
            ]
            #expect(Set(probe.output.split(separator: "\n").map(String.init)) == facts)
        }
    }
}
