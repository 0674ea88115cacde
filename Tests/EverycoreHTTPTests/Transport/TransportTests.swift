// Connections over a transport that is no bare socket keep every rule that they keep over one.

import Dispatch
import EverycoreHTTP
import EverycoreStatistics
import Testing

@Suite struct TransportTests {
    private static func server() throws -> ConnectionServer {
        let server = try ConnectionServer()
        server.becomeOdd()
        return server
    }

    @Test(arguments: ConnectionRules.all) func holdsOverAnOddTransport(rule: Rule) throws {
        let server = try Self.server()
        defer { server.stop() }
        for cut in [Cut.whole, .at([rule.bytes.count / 2])] { _ = try ConnectionRuleTests.run(rule, cut, on: server) }
        #expect(server.eventually { $0.openConnections == 0 })
    }

    @Test(arguments: ["/big/3000000", "/later-stream/1", "/later/5", "/constant", "/kept-big"]) func answersOfAnySizeArriveWhole(path: String) throws {
        let (odd, plain) = (try Self.server(), try ConnectionServer())
        defer {
            odd.stop()
            plain.stop()
        }
        let answers = try [odd, plain].map { server in
            let client = try server.connect()
            client.send(request("GET \(path) HTTP/1.1", "Host: a") + ConnectionRuleTests.probe)
            client.read()
            return try WireResponse.parse(client.received)
        }
        #expect(answers[0] == answers[1] && answers[0].map(\.status) == [200, 200])
    }

    @Test func aFileIsCopiedWhereItCantBeSent() throws {
        let owner = SentFileTests.Owner(try SentFileTests.file(2_000_000))
        let server = try StreamedResponseTests.answering { exchange in
            try? exchange.respondFile(status: 200, descriptor: owner.descriptor, of: owner, offset: 10, length: 1_900_000)
        }
        defer { server.stop() }
        server.becomeOdd()
        let client = try server.connect()
        client.send(StreamedResponseTests.get("/stream/file") + ConnectionRuleTests.probe)
        client.read()
        let responses = try WireResponse.parse(client.received)
        #expect(responses.first?.body == (10..<1_900_010).map { UInt8(truncatingIfNeeded: $0 % 65521 % 251) })
        #expect(responses.last?.text == "GET /after")
    }

    @Test func aTransportThatCantMoveStays() throws {
        let server = try Self.server()
        defer { server.stop() }
        let client = try server.connect()
        client.send(request("GET /constant HTTP/1.1", "Host: a"))
        #expect(client.read(until: "constant"))
        var offered = 0
        server.onLoop { [service = server.service] in
            service.drain(
                to: { _ in
                    offered += 1
                    return true
                }, {})
        }
        client.send(request("GET /constant HTTP/1.1", "Host: a"))
        #expect(client.read { (try? WireResponse.parse($0).count) == 2 } == .open)
        #expect(server.onLoop { offered } == 0)
    }

    @Test(arguments: [("", [false]), ("Connection: close\r\n", [true])]) func theEndTravelsWithTheLastBytes(field: String, more: [Bool]) throws {
        let server = try ConnectionServer()
        defer { server.stop() }
        let sends = server.recordSends()
        let client = try server.connect()
        client.send(Array("GET /constant HTTP/1.1\r\nHost: a\r\n\(field)\r\n".utf8))
        #expect(client.read(until: "constant"))
        #expect(server.onLoop { sends.areFollowed } == more)
    }

    @Test func theLastAnswerArrivesThoughTheClientSendsMore() throws {
        let server = try ConnectionServer()
        defer { server.stop() }
        let sends = server.recordSends()
        server.onLoop { sends.closesBesideInput = true }
        let client = try server.connect()
        client.send(Array("GET /constant HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".utf8))
        #expect(sends.first.wait(timeout: .now() + 5) == .success)
        client.send([0x78])
        #expect(client.read(until: "constant"))
    }
}

@Suite struct ConnectionValueTests {
    @Test func progressIsWhatTheClientTookNotWhatTheKernelDid() {
        var progress = WriteProgress()
        progress.begin(undelivered: 1000)
        progress.add(500)
        #expect(progress.taken(undelivered: 1500) == 0)
        #expect(progress.taken(undelivered: 1400) == 100)
        #expect(progress.taken(undelivered: 0) == 1500)
        #expect(progress.taken(undelivered: 9999) == 0)
        progress.begin(undelivered: 0)
        #expect(progress.taken(undelivered: 0) == 0)
    }

    @Test func aClientIsFastThatTakesMuchWithinASecond() {
        let wakes = Int(Pace.fastBytes) / Int(Pace.unsentBound / 2)
        for (step, isFast) in [(1_000_000 as UInt64, true), (999_999_999 / UInt64(wakes - 1), true), (1_000_000_000 / UInt64(wakes - 1) + 1, false)] {
            var pace = Pace()
            let answers = (0..<wakes).map { pace.hasRoom(at: 5 + UInt64($0) * step) }
            #expect(answers.dropLast().allSatisfy { !$0 } && answers.last == isFast, "\(step)")
            pace.isFast = true
            let isFaster = pace.hasRoom(at: 0)
            #expect(!isFaster)
        }
        var pace = Pace()
        #expect(!pace.hasBecomeSlow(taken: 0, in: 30_000_000_000))
        pace.isFast = true
        #expect(pace.hasBecomeSlow(taken: Pace.fastBytes * 29, in: 30_000_000_000))
        #expect(!pace.hasBecomeSlow(taken: Pace.fastBytes * 30, in: 30_000_000_000))
    }

    @Test func contentHasAnAverageAndPausesDontCount() {
        var content = ContentIntake()
        content.begin(.length(100), at: 1000)
        #expect(content.due(rate: 0) == nil)
        #expect(content.due(rate: 10) == 5_000_001_000)
        content.received = 20
        #expect(content.due(rate: 10) == 7_000_001_000)
        content.pause(at: 2000)
        #expect(content.isPaused)
        content.resume(at: 5000)
        #expect(!content.isPaused && content.due(rate: 10) == 7_000_004_000)
        content.resume(at: 9000)
        #expect(content.due(rate: 10) == 7_000_004_000)
        content.received = .max
        #expect(content.due(rate: 10) == nil)
        content.pause(at: 0)
        #expect(content.isPaused)
        content.end()
        #expect(!content.isPaused)
    }
}
