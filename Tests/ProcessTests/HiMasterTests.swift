// The example hi-master as its user sees it: greetings from every worker, and no process left behind.

import Cluster
import Glibc
import TestSupport
import Testing

extension ProcessTests {
    @Suite struct HiMaster {
        private let cores = UsableCores.current().count
        private let program: Running

        init() throws {
            program = try Running("hi-master", [])
        }

        private var workers: [pid_t] { ProcessTable.children(of: program.pid) }

        /// Waits for so many greetings, from the start.
        private func greets(_ count: Int) -> Bool {
            let greeting = "Message received to master from worker: Hi Master!"
            return program.becomesTrue(within: .seconds(10)) { program.output.split(separator: "\n").count { $0 == greeting } == count }
        }

        @Test func everyWorkerGreetsAndTermEndsAllInOrder() {
            #expect(greets(cores))
            let workers = workers
            #expect(workers.count == cores)
            program.signal(SIGTERM)
            #expect(program.wait(within: .seconds(5)) == 0)
            // Reaped by the master: not even zombies are left.
            #expect(workers.allSatisfy { ProcessTable.state(of: $0) == nil })
        }

        @Test func theSuccessorOfAKilledWorkerGreetsToo() throws {
            #expect(greets(cores))
            let victim = try #require(workers.first)
            kill(victim, SIGKILL)
            #expect(greets(cores + 1))
            #expect(ProcessTable.state(of: victim) == nil)
            #expect(workers.count == cores)
            program.signal(SIGTERM)
            #expect(program.wait(within: .seconds(5)) == 0)
        }

        @Test func noWorkerOutlivesAKilledMaster() {
            #expect(greets(cores))
            let workers = workers
            program.signal(SIGKILL)
            #expect(program.wait(within: .seconds(1)) == -SIGKILL)
            #expect(program.becomesTrue(within: .seconds(1)) { !workers.contains(where: ProcessTable.isAlive) })
        }

        @Test func quitAfterTermEndsAtOnce() throws {
            #expect(greets(cores))
            let workers = workers
            // A stopped worker can't drain; without the second signal the master waits for it.
            kill(try #require(workers.first), SIGSTOP)
            let start = ContinuousClock.now
            program.signal(SIGTERM)
            #expect(program.logs("stopping"))
            program.signal(SIGQUIT)
            #expect(program.wait(within: .seconds(3)) == 0)
            #expect(ContinuousClock.now - start < .seconds(3))
            #expect(workers.allSatisfy { ProcessTable.state(of: $0) == nil })
        }
    }
}
