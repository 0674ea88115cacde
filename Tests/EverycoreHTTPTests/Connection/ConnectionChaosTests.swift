// Hundreds of connections at once with valid and broken requests, cut at random, reset and half-closed at random moments, answered
// at random times: from a fixed seed. Whatever happens, what was asked properly is answered in order, and nothing is left behind.

import EverycoreHTTP
import Glibc
import TestSupport
import Testing

@Suite struct ConnectionChaosTests {
    private struct Expected {
        let status: Int
        let body: [UInt8]
        let isHead: Bool
    }

    /// How a connection's script ends.
    private enum Ending: CaseIterable { case close, mutant, reset, halfClose, truncated }

    private struct Script {
        var bytes: [UInt8] = []
        var expected: [Expected] = []
        var ending = Ending.close

        init(_ id: Int, _ random: inout SeededGenerator) {
            for number in 0..<Int.random(in: 0...8, using: &random) { add("\(id)-\(number)", &random) }
            ending = Ending.allCases.randomElement(using: &random) ?? .close
            switch ending {
            case .close, .halfClose: break
            case .mutant, .reset, .truncated:
                var other = RequestCorpus.all.map(\.bytes).filter { $0.count < 300 }.randomElement(using: &random) ?? []
                if ending == .mutant { MutationTests.mutate(&other, &random) }
                if ending == .truncated { other.removeLast(Int.random(in: 1...min(4, other.count), using: &random)) }
                bytes += other
            }
            if ending == .close { bytes += ConnectionRuleTests.probe }
        }

        private mutating func add(_ name: String, _ random: inout SeededGenerator) {
            let delay = Int.random(in: 0...8, using: &random)
            let content = raw(String(repeating: name, count: Int.random(in: 1...200, using: &random)))
            let length = "Content-Length: \(content.count)"
            let size = String(content.count, radix: 16)
            switch Int.random(in: 0..<9, using: &random) {
            case 0: expect(request("GET /\(name) HTTP/1.1", "Host: a"), 200, raw("GET /\(name)"))
            case 1: expect(post("/echo/\(name)", "", length) + content, 200, content)
            case 2: expect(post("/echo", "\(size)\r\n", "Transfer-Encoding: chunked") + content + raw("\r\n0\r\n\r\n"), 200, content)
            case 3: expect(request("GET /later/\(delay) HTTP/1.1", "Host: a"), 200, raw("later \(delay)"))
            case 4: expect(post("/later-echo/\(delay)", "", length) + content, 200, content)
            case 5: expect(post("/early", "", length) + content, 200, raw("early POST"))
            case 6: expect(request("HEAD /\(name) HTTP/1.1", "Host: a"), 200, [], isHead: true)
            case 7: expect(request("GET /status/204 HTTP/1.1", "Host: a"), 204, [])
            default: expect(request("GET /big/70000 HTTP/1.1", "Host: a"), 200, [UInt8](repeating: 0x78, count: 70000))
            }
        }

        private mutating func expect(_ request: [UInt8], _ status: Int, _ body: [UInt8], isHead: Bool = false) {
            bytes += request
            expected.append(Expected(status: status, body: body, isHead: isHead))
        }
    }

    @Test(arguments: [1, 2, 3] as [UInt64]) func `chaos leaves nothing behind and every proper request answered in order`(seed: UInt64) throws {
        var random = SeededGenerator.printingSeed(seed)
        let server = try ConnectionServer(
            timeouts: {
                var timeouts = ConnectionTimeouts()
                timeouts.header = 3_000_000_000
                timeouts.body = 3_000_000_000
                return timeouts
            }())
        defer { server.stop() }
        for round in 0..<4 {
            let scripts = (0..<100).map { Script(round * 1000 + $0, &random) }
            let clients = try scripts.map { _ in try server.connect(receiveBuffer: Bool.random(using: &random) ? 8192 : 0) }
            send(scripts, clients, &random)
            for (script, client) in zip(scripts, clients) where script.ending != .reset { check(script, client) }
            for client in clients { client.endSending() }
        }
        #expect(server.eventually { $0.openConnections == 0 })
        #expect(Self.sockets(at: server.port) == 1)
        let next = try server.connect()
        next.send(ConnectionRuleTests.probe)
        next.read()
        #expect(try WireResponse.parse(next.received).map(\.text) == ["GET /after"])
    }

    private func send(_ scripts: [Script], _ clients: [RawClient], _ random: inout SeededGenerator) {
        var positions = [Int](repeating: 0, count: scripts.count)
        var running = Array(scripts.indices)
        while !running.isEmpty {
            let pick = Int.random(in: 0..<running.count, using: &random)
            let index = running[pick]
            let bytes = scripts[index].bytes
            let length = Bool.random(using: &random) ? Int.random(in: 1...20, using: &random) : Int.random(in: 1...2000, using: &random)
            let end = min(bytes.count, positions[index] + length)
            let isOver = clients[index].send(bytes[positions[index]..<end]) < end - positions[index] || end == bytes.count
            positions[index] = end
            if scripts[index].ending == .reset, isOver || Int.random(in: 0..<20, using: &random) == 0 {
                clients[index].reset()
            } else if !isOver {
                continue
            } else if scripts[index].ending != .close {
                clients[index].endSending()
            }
            running.remove(at: pick)
        }
    }

    private func check(_ script: Script, _ client: RawClient) {
        #expect(client.read(seconds: 10) != .open, "\(script.ending)")
        let heads = Set(script.expected.indices.filter { script.expected[$0].isHead })
        do {
            let responses = try WireResponse.parse(client.received, heads: heads, atMost: script.expected.count)
            #expect(responses.map(\.status) == script.expected.map(\.status), "\(script.ending)")
            #expect(responses.map(\.body) == script.expected.map(\.body), "\(script.ending)")
            if script.ending == .close { #expect(client.text.hasSuffix("GET /after")) }
        } catch {
            Issue.record("\(script.ending): \(error)")
        }
    }

    /// Sockets of this process that are bound to that port: the listener, and what was accepted from it.
    private static func sockets(at port: UInt16) -> Int {
        (0..<Int32(4096)).count { descriptor in
            var address = sockaddr_in()
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            let result = unsafe withUnsafeMutablePointer(to: &address) {
                unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe getsockname(descriptor, $0, &length) }
            }
            return result == 0 && address.sin_family == sa_family_t(AF_INET) && UInt16(bigEndian: address.sin_port) == port
        }
    }
}
