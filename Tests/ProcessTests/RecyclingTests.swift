// Workers that are recycled, and slots whose workers never get ready.

import Glibc
import TestSupport
import Testing

extension ProcessTests {
    @Suite struct ASlot {
        @Test func whoseWorkerHasServedLongEnoughGetsANewOneAndLosesNoRequest() throws {
            let server = try TestedServer.everycore(environment: ["EVERYCORE_RECYCLE_REQUESTS": "200", "EVERYCORE_RECYCLE_JITTER": "0"])
            try server.awaitReady(2)
            let before = try server.stats().total.requests
            var answered = 0
            let isRecycled = server.program.becomesTrue(within: .seconds(15)) {
                for _ in 0..<50 where (try? server.get("/plaintext").status) == 200 { answered += 1 }
                return (try? server.stats().workers.allSatisfy { $0.generation >= 2 }) == true
            }
            #expect(isRecycled)
            let stats = try server.stats()
            #expect(stats.total.requests == before + answered)
            #expect(server.program.error.contains("because_of=requests"))
            #expect(!server.program.error.contains("worker died"))
            #expect(server.stop() == 0)
        }

        @Test func whoseWorkersNeverLiveStopsNoOther() throws {
            let program = try Running("everycore-test-server", ["unhealthy=0"], environment: ["SWIFT_BACKTRACE": "enable=no"])
            // The cluster gives up after 300 ms without a worker that lives: much longer, and the others live.
            #expect(program.becomesTrue(within: .seconds(10)) { program.output.ranges(of: "exit slot=0 ").count >= 8 })
            let listening = program.output.split(separator: "\n").filter { $0.hasPrefix("listening") }
            #expect(Set(listening) == ["listening slot=1 gen=1", "listening slot=2 gen=1"])
            #expect(!program.output.contains("exit slot=1") && !program.output.contains("exit slot=2"))
            // The pauses double up to the longest, each give or take a quarter.
            let pauses = program.error.matches(of: /next_start=(\d+)\.(\d+)s/).compactMap { Int($0.2) }
            #expect(pauses.count >= 7)
            for (pause, expected) in zip(pauses, [20, 40, 80, 160, 200, 200, 200, 200]) {
                #expect(pause >= expected * 3 / 4 - 1 && pause <= min(expected * 5 / 4, 200), "\(pauses)")
            }
            #expect(Set(pauses).count > 3, "without jitter")
            program.signal(SIGTERM)
            #expect(program.wait(within: .seconds(5)) == 0)
        }
    }
}
