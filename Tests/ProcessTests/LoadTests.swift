// How evenly connections are spread over the workers, at the start and when one is new.

import Glibc
import TestSupport
import Testing

extension ProcessTests {
    @Suite struct Load {
        @Test func isEvenAgainWhenAWorkerIsNew() throws {
            let server = try TestedServer.everycore(workers: 1)
            let watch = try Watch(server, workers: 1, perWorker: 12, follows: true)
            let idle = try (0..<12).map { _ in try server.connect() }
            for client in idle { #expect(try client.whoami().worker == 0) }
            server.program.signal(SIGTTIN)
            func busy(_ slot: Int) -> Int { watch.clients.count { $0.who.worker == slot } }
            let isEven = try watch.run(within: .seconds(5)) {
                try server.stats().workers.map(\.connections.open).allSatisfy { (10...16).contains($0) } && busy(1) > 0
            }
            #expect(isEven)
            for client in idle { _ = try client.whoami() }
            watch.finish()
            #expect(watch.losses.isEmpty && watch.refusals.isEmpty && watch.probeFailures.isEmpty)
            for client in idle { client.leave() }
            #expect(server.stop() == 0)
        }

        @Test(arguments: [true, false])
        func isEvenUnlessThatIsTurnedOff(_ isOn: Bool) throws {
            let server = try TestedServer.harmful("balance=\(isOn)", workers: 8)
            try server.awaitReady(8)
            let clients = try (0..<64).map { _ in try server.connect() }
            var counts = [Int](repeating: 0, count: 8)
            for client in clients { counts[try client.whoami().worker] += 1 }
            let (most, fewest) = (counts.max() ?? 0, counts.min() ?? 0)
            if isOn { #expect(most - fewest <= 1, "\(counts)") } else { #expect(try server.stats().total.connections.handed_over == 0) }
            for client in clients { client.leave() }
            #expect(server.stop() == 0)
        }
    }
}
