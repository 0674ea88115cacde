// What slow clients make a worker hold has a bound, and it is the slowest that are given up.

import EverycoreHTTP
import EverycoreStatistics
import Glibc
import Testing

@Suite struct HeldMemoryTests {
    private static let second: UInt64 = 1_000_000_000

    private func holding(_ bytes: Int, moved: UInt64, seconds: UInt64) -> Holding {
        Holding(bytes: bytes, moved: moved, nanoseconds: seconds * Self.second)
    }

    @Test func theSlowestAreGivenUpUntilEnoughIsFree() {
        let holdings = [
            (slot: 1, holding: holding(100, moved: 5000, seconds: 10)), (slot: 2, holding: holding(100, moved: 100, seconds: 10)),
            (slot: 3, holding: holding(100, moved: 1000, seconds: 10)),
        ]
        #expect(Holding.slowest(of: holdings, excess: 1) == [2])
        #expect(Holding.slowest(of: holdings, excess: 101) == [2, 3])
        #expect(Holding.slowest(of: holdings, excess: 1000) == [2, 3, 1])
        #expect(Holding.slowest(of: holdings, excess: 0) == [])
        #expect(Holding.slowest(of: [], excess: .max) == [])
    }

    @Test func theYoungAndTheFastAreSpared() {
        let young = Holding(bytes: 100, moved: 0, nanoseconds: Self.second - 1)
        let fast = holding(1 << 30, moved: 20 << 20, seconds: 10)
        #expect(Holding.slowest(of: [(slot: 1, holding: young), (slot: 2, holding: fast)], excess: 1 << 30) == [])
    }

    private func server() throws -> ConnectionServer {
        var (timeouts, limits) = (ConnectionTimeouts(), ConnectionLimits())
        limits.heldMemory = 2 << 20
        limits.bodyMinimumRate = 0
        timeouts.body = 20 * Self.second
        return try ConnectionServer(timeouts: timeouts, connectionLimits: limits)
    }

    @Test func clientsWhoseContentDoesNotComeAreA408AndOthersAreServed() throws {
        let server = try server()
        defer { server.stop() }
        let content = [UInt8](repeating: 0x61, count: 400_000)
        let clients = try (0..<12).map { _ in try server.connect() }
        for client in clients {
            client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 400001\r\n\r\n")
            client.send(content)
        }
        #expect(server.eventually { $0.figures[.limitBodyRate] >= 6 })
        #expect(server.settles { server.figures[.limitBodyRate] })
        let given = server.onLoop { server.figures[.limitBodyRate] }
        // Not all: what is within the bound stays, and is answered when it comes whole.
        #expect(given < 12)
        for client in clients {
            client.read(seconds: 0.2)
            if client.received.isEmpty { client.send("b") }
            client.read { (try? WireResponse.parse($0))?.isEmpty == false }
        }
        let statuses = try clients.map { try WireResponse.parse($0.received.isEmpty ? [] : $0.received).first?.status ?? 0 }
        #expect(statuses.count { $0 == 408 } == Int(given))
        #expect(statuses.count { $0 == 200 } == 12 - Int(given))
        let client = try server.connect()
        client.send("GET /constant HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        client.read()
        #expect(try WireResponse.parse(client.received).map(\.status) == [200])
    }

    @Test func clientsThatDoNotTakeTheirAnswersAreReset() throws {
        let server = try server()
        defer { server.stop() }
        let clients = try (0..<6).map { _ in try server.connect(receiveBuffer: 4096) }
        for client in clients { client.send("GET /big/3000000 HTTP/1.1\r\nHost: a\r\n\r\n") }
        #expect(server.eventually { $0.figures[.timeoutsWrite] == 6 })
        #expect(server.eventually { $0.openConnections == 0 })
    }
}
