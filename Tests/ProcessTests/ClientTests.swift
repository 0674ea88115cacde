// Clients that break the protocol, and more clients than descriptors.

import Glibc
import TestSupport
import Testing

extension ProcessTests {
    @Suite struct AClient {
        @Test func thatSendsRubbishGetsItsStatusAndACloseAndTheNextOneIsServed() throws {
            let server = try TestedServer.everycore()
            let rubbish: [(text: String, status: Int)] = [
                ("\u{16}\u{3}\u{1}\u{0}\r\n\r\n", 400),
                ("GET /plaintext\r\n\r\n", 400),
                ("GET /plaintext HTTP/1.1\r\n\r\n", 400),
                ("GET /plaintext HTTP/2.0\r\nHost: a\r\n\r\n", 505),
                ("GET /plaintext HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
                ("GET /plaintext HTTP/1.1\r\nHost : a\r\n\r\n", 400),
                ("GET /plaintext HTTP/1.1\r\nHost: a\r\n folded: b\r\n\r\n", 400),
                ("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
                ("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: -3\r\n\r\n", 400),
                ("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n", 413),
                ("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501),
                ("GET /\(String(repeating: "a", count: 9000)) HTTP/1.1\r\nHost: a\r\n\r\n", 414),
                ("GET / HTTP/1.1\r\nHost: a\r\nX: \(String(repeating: "a", count: 9000))\r\n\r\n", 431),
            ]
            let workers = server.workers
            for (text, status) in rubbish {
                let client = try server.connect()
                client.send(text)
                let start = text.prefix(60)
                #expect(try client.reply().status == status, "\(start)")
                #expect(client.awaitEnd() == "closed", "\(start)")
                #expect(try server.get("/plaintext").status == 200)
            }
            #expect(server.workers == workers)
            #expect(server.stop() == 0)
        }

        @Test func isServedAlsoWhenIdleConnectionsHoldAllDescriptorsOfAWorker() throws {
            let server = try TestedServer.everycore(workers: 1, wrapper: ["prlimit", "--nofile=96:96"])
            let clients = try (0..<110).map { _ in try server.connect() }
            for client in clients { client.request("GET", "/plaintext") }
            for client in clients { #expect(try client.reply().status == 200) }
            #expect(try server.stats().total.connections.open < 96)
            for client in clients { client.leave() }
            #expect(try server.get("/plaintext").status == 200)
            #expect(try server.stats().total.restarts == 0)
            #expect(server.stop() == 0)
        }

        @Test func waitsWhileConnectionsInUseHoldAllDescriptorsOfAWorker() throws {
            let server = try TestedServer.everycore(workers: 1, wrapper: ["prlimit", "--nofile=96:96"])
            let clients = try (0..<110).map { _ in try server.connect() }
            for client in clients { client.request("GET", "/sleep?ms=300") }
            for client in clients {
                #expect(try client.reply().status == 200)
                client.leave()
            }
            #expect(try server.get("/plaintext").status == 200)
            #expect(try server.stats().total.restarts == 0)
            #expect(server.stop() == 0)
        }

        @Test func thatNeverFinishesItsRequestIsTurnedAwayInTime() throws {
            let server = try TestedServer.harmful("timeouts.header=200ms", "timeouts.body=200ms", "timeouts.idle=200ms")
            let head = try server.connect()
            head.send("GET /plaintext HTTP/1.1\r\nHost")
            let body = try server.connect()
            body.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab")
            let idle = try server.connect()
            _ = try idle.whoami()
            #expect(try head.reply(within: .seconds(2)).status == 408)
            #expect(try body.reply(within: .seconds(2)).status == 408)
            for client in [head, body, idle] {
                #expect(client.awaitEnd(within: .seconds(2)) == "closed")
                client.leave()
            }
            #expect(server.stop() == 0)
            #expect(server.program.output.contains("timeouts: header 1, body 1, idle 1"))
        }
    }
}
