// Messages between real processes: the program everycore-message-probe prints facts, which are compared here.

import TestSupport
import Testing

extension ProcessTests {
    @Suite struct Messages {
        private func facts(_ arguments: String..., within limit: Duration = .seconds(20)) throws -> [String] {
            let probe = try Running("everycore-message-probe", arguments)
            #expect(probe.wait(within: limit) == 0)
            #expect(probe.error == "")
            return probe.output.split(separator: "\n").map(String.init)
        }

        @Test(arguments: [("exit", "worker failed to start"), ("stop", "worker exited"), ("throw", "worker failed to start")])
        func whatWasSentBeforeAnOrderlyExitArrivesBeforeTheExit(way: String, end: String) throws {
            #expect(try facts("exit", way) == ["received=5000 in order", "exit=\(end)"])
        }

        @Test func aMillionMessagesAreCountedExactlyWhileAnotherSenderIsKilled() throws {
            let facts = try facts("load", within: .seconds(60))
            #expect(facts.contains("first=1000000"))
            #expect(facts.contains("killed-in-time=yes"))
            #expect(facts.contains("ordered=true"))
        }

        @Test func workersReachEachOtherByWayOfTheMaster() throws {
            let facts = try facts("workers").filter { !$0.hasPrefix("exit=") }
            #expect(
                facts == [
                    "refused=0",
                    "line=0 got 0 from master",
                    "line=0: everycore_message_probe.Note did not reach worker 9: no worker of this slot is connected",
                    "line=1 got 0 from master",
                    "line=1 got 1 from worker 0 gen=1",
                    "line=1 got 2 from worker 0 gen=1",
                    "line=2 got 0 from master",
                    "line=2 got 1048576 bytes from worker 0 gen=1",
                    "line=2 got 2 from worker 0 gen=1",
                ])
        }

        @Test func requestsAreAnsweredBothWaysOrFailAsTheyShould() throws {
            let facts = try facts("requests").filter { !$0.hasPrefix("exit=") }
            #expect(
                facts == [
                    "fact=worker asks: 2 from master",
                    "fact=worker asks: the handler failed: not today",
                    "fact=worker asks: no reply within 0.1 seconds",
                    "fact=worker asks: 5 from master",
                    "fact=worker asks: CancellationError",
                    "fact=worker asks: no handler there answers everycore_message_probe.Unanswered",
                    "fact=master asks: 2 from worker",
                    "fact=master asks: the handler failed: not today",
                    "fact=master asks: no reply within 0.1 seconds",
                    "fact=master asks: 5 from worker",
                    "fact=master asks: the other process went away before it replied",
                    "at-once=true",
                    "threads=1",
                ])
        }

        @Test func asyncCodeInTheMasterStartsNoThreadAndNeverRunsInAChild() throws {
            let facts = try facts("tasks")
            #expect(facts.filter { $0.hasPrefix("worker=") }.count >= 5)
            let allowed: Set<String> = [
                "worker=worker threads 1, on its loop true", "master=threads 1", "exit=worker died", "exit=worker exited", "exit=worker failed to start",
                "end=1",
            ]
            #expect(Set(facts).isSubset(of: allowed), "\(facts)")
            #expect(facts.last == "end=1")
        }

        @Test func garbageOnAChannelEndsNothing() throws {
            let facts = try facts("garbage").filter { !$0.hasPrefix("exit=") && !$0.contains(": seed ") }
            #expect(facts == ["received=2", "failures=some", "files=closed"])
        }

        @Test func aFullQueueIsRefusedAndWaitingSendersAreServedInOrder() throws {
            #expect(try facts("room").filter { !$0.hasPrefix("exit=") } == ["all=true"])
        }
    }
}
