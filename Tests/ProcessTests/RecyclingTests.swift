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

        private func pauses(_ program: Running) -> [Int] { program.error.matches(of: /next_start=0\.(\d+)s/).compactMap { Int($0.1) } }

        @Test func whoseWorkersNeverLiveStopsNoOther() throws {
            let program = try Running("everycore-test-server", ["unhealthy=0"], environment: ["SWIFT_BACKTRACE": "enable=no"])
            // The cluster gives up after 300 ms without a worker that lives: much longer, and the others live.
            #expect(program.becomesTrue(within: .seconds(10)) { program.output.ranges(of: "exit slot=0 ").count >= 8 })
            let listening = program.output.split(separator: "\n").filter { $0.hasPrefix("listening") }
            #expect(Set(listening) == ["listening slot=1 gen=1", "listening slot=2 gen=1"])
            #expect(!program.output.contains("exit slot=1") && !program.output.contains("exit slot=2"))
            // A line a second for one reason. The pauses double up to the longest, each give or take a quarter.
            #expect(program.becomesTrue(within: .seconds(5)) { pauses(program).count >= 3 })
            let found = pauses(program)
            #expect(found.first.map { (14...25).contains($0) } == true, "\(found)")
            #expect(found.dropFirst().allSatisfy { (149...200).contains($0) }, "\(found)")
            #expect(program.error.matches(of: /omitted=\d+/).count >= found.count - 1)
            program.signal(SIGTERM)
            #expect(program.wait(within: .seconds(5)) == 0)
        }
    }
}
