// How connections live and end: half-closes, resets, bodies that stop, lingering, limits, buffers that all share.

import EverycoreHTTP
import EverycoreLoop
import EverycoreStatistics
import Glibc
import Testing

@Suite struct ConnectionLifeTests {
    private let server: ConnectionServer
    init() throws { server = try ConnectionServer() }

    private func responses(_ client: RawClient, heads: Set<Int> = []) throws -> [WireResponse] {
        try WireResponse.parse(client.received, heads: heads)
    }

    @Test(arguments: ["/now", "/later/20", "/echo", "/later-echo/20"])
    func `a client that ends its side after a whole request gets its answer`(path: String) throws {
        defer { server.stop() }
        let client = try server.connect()
        client.send(post(path, "hello", "Content-Length: 5"))
        client.endSending()
        #expect(client.read() == .closed)
        #expect(try responses(client).map(\.status) == [200])
        #expect(server.eventually { $0.openConnections == 0 })
    }

    @Test(arguments: ["Content-Length: 9", "Transfer-Encoding: chunked"])
    func `a body that ends early is an error to the handler and no answer to the client`(line: String) throws {
        defer { server.stop() }
        for path in ["/never-echo", "/echo", "/later-echo/20"] {
            let client = try server.connect()
            client.send(post(path, "5\r\nhel", line))
            client.endSending()
            #expect(client.read() == .closed)
            #expect(client.text == "")
        }
        #expect(server.onLoop { server.application.bodyFailures } == [.incomplete, .incomplete, .incomplete])
        #expect(server.onLoop { server.openConnections } == 0)
    }

    @Test func `a head that ends early is closed in silence`() throws {
        defer { server.stop() }
        let client = try server.connect()
        client.send("GET / HTTP/1.1\r\nHost:")
        client.endSending()
        #expect(client.read() == .closed)
        #expect(client.text == "")
    }

    @Test(arguments: ["/never", "/never-echo", "/answers-when-cancelled"])
    func `a client that resets cancels what it waits for`(path: String) throws {
        defer { server.stop() }
        let client = try server.connect()
        client.send(post(path, "hel", "Content-Length: 5"))
        #expect(server.eventually { $0.application.received == [path] })
        client.reset()
        #expect(server.eventually { $0.application.cancelled == 1 && $0.openConnections == 0 })
        // An answer without a client does no harm.
        server.onLoop { for exchange in server.application.kept { try? exchange.respond(status: 200, body: raw("late")) } }
        let next = try server.connect()
        next.send(ConnectionRuleTests.probe)
        next.read()
        #expect(try responses(next).map(\.text) == ["GET /after"])
    }

    @Test(arguments: [("/echo", 413), ("/early", 200), ("/later/5", 200)], [false, true])
    func `a client that sends megabytes reads the whole refusal, or early answer`(answer: (path: String, status: Int), sendsAllFirst: Bool) throws {
        defer { server.stop() }
        let client = try server.connect()
        client.send(raw("POST \(answer.path) HTTP/1.1\r\nHost: a\r\nContent-Length: 8000000\r\n\r\n"))
        let content = [UInt8](repeating: 0x61, count: 8_000_000)
        if sendsAllFirst { #expect(client.send(content) == content.count) } else { client.send(content[..<200_000]) }
        if !sendsAllFirst {
            #expect(client.read() == .closed)
            #expect(client.send(content[200_000...]) > 0)
        }
        #expect(client.read() == .closed)
        #expect(try responses(client).map(\.status) == [answer.status])
        #expect(try responses(client).last?["connection"] == "close")
        client.endSending()
        #expect(server.eventually { $0.openConnections == 0 })
    }

    @Test func `a 100 comes when the handler asks for the content, and not before`() throws {
        defer { server.stop() }
        let client = try server.connect()
        client.send(post("/later-echo/300", "", "Expect: 100-continue", "Content-Length: 5"))
        #expect(server.eventually { $0.application.received.count == 1 })
        client.read(seconds: 0.1)
        #expect(client.text == "")
        #expect(client.read(until: "HTTP/1.1 100 Continue\r\n\r\n"))
        client.read(seconds: 0.1)
        #expect(client.text == "HTTP/1.1 100 Continue\r\n\r\n")
        client.send(raw("hello") + ConnectionRuleTests.probe)
        client.read()
        #expect(try responses(client).map(\.text) == ["", "hello", "GET /after"])
    }

    @Test func `a client that never stops sending after its refusal is closed within a bound`() throws {
        defer { server.stop() }
        let client = try server.connect()
        client.send(raw("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 800000000\r\n\r\n"))
        let before = EventLoop.monotonicNanoseconds()
        let chunk = [UInt8](repeating: 0x61, count: 1 << 20)
        var sent = 0
        while client.send(chunk[...], seconds: 10) == chunk.count { sent += 1 }
        #expect(EventLoop.monotonicNanoseconds() - before < 15_000_000_000)
        #expect(sent < 64)
        #expect(server.eventually { $0.openConnections == 0 })
    }

    @Test func `bytes after a closing request are never processed, however late they come`() throws {
        defer { server.stop() }
        let client = try server.connect()
        client.send(get("Connection: close"))
        #expect(client.read(until: "GET /"))
        client.send(ConnectionRuleTests.probe)
        client.read()
        #expect(try responses(client).map(\.status) == [200])
        #expect(server.onLoop { server.application.received } == ["/"])
    }

    @Test func `a client that pipelines and never reads costs a bounded amount, and gets all in order when it reads`() throws {
        defer { server.stop() }
        let client = try server.connect(receiveBuffer: 65536)
        let sizes = (0..<3000).map { 10_000 + $0 % 7 }
        client.send(sizes.flatMap { raw("GET /big/\($0) HTTP/1.1\r\nHost: a\r\n\r\n") } + ConnectionRuleTests.probe)
        #expect(server.settles { server.application.received.count })
        // What the kernel's buffers hold, and two batches.
        #expect(server.onLoop { server.application.received.count } < 1500)
        client.read(seconds: 20)
        #expect(try responses(client).map(\.body.count) == sizes + [10])
    }

    @Test func `dribbles of many connections at once don't mix`() throws {
        defer { server.stop() }
        let count = 150
        let requests = (0..<count).map { index -> [UInt8] in
            let name = String(repeating: "\(index)-", count: index % 9 + 1)
            return index % 3 == 0
                ? request("GET /\(name) HTTP/1.1", "Host: a", "X: \(name)")
                : index % 3 == 1
                    ? post("/echo", name, "Content-Length: \(name.utf8.count)")
                    : post("/later-echo/3", "\(String(name.utf8.count, radix: 16))\r\n\(name)\r\n0\r\n\r\n", "Transfer-Encoding: chunked")
        }
        let clients = try (0..<count).map { _ in try server.connect() }
        for round in 0..<2 {
            for position in 0..<(requests.map(\.count).max() ?? 0) {
                for index in 0..<count where position < requests[index].count { clients[index].send(requests[index][position...position]) }
            }
            for index in 0..<count {
                let name = String(repeating: "\(index)-", count: index % 9 + 1)
                let wanted = index % 3 == 0 ? "GET /\(name)" : name
                clients[index].read { (try? WireResponse.parse($0))?.count == 1 }
                #expect(try responses(clients[index]).map(\.text) == [wanted], "\(round) \(index)")
                clients[index].clear()
            }
        }
    }

    @Test func `an exchange that the application keeps has a head of its own`() throws {
        defer { server.stop() }
        let client = try server.connect()
        let names = (0..<20).map { "/kept/\($0)" }
        client.send(names.flatMap { request("GET \($0) HTTP/1.1", "Host: a", "X-Name: \($0)") } + request("GET /later/10 HTTP/1.1", "Host: a") + get() + get())
        client.read { (try? WireResponse.parse($0))?.count == 23 }
        for _ in 0..<30 {
            let other = try server.connect()
            other.send(request("GET /overwrites/what/was/there HTTP/1.1", "Host: bbbbbbbbbbbb", "Connection: close"))
            other.read()
        }
        #expect(server.onLoop { server.application.kept.map { $0.head.path } } == names)
        #expect(server.onLoop { server.application.kept.map { $0.head.value(of: "x-name") } } == names)
    }

    @Test func `a kept head survives a closing answer whose client has sent more than fits`() throws {
        defer { server.stop() }
        for _ in 0..<5 {
            let client = try server.connect()
            let name = "/kept-big/" + String(repeating: "n", count: 300)
            client.send(request("GET \(name) HTTP/1.1", "Host: a", "X-Name: \(name)", "Connection: close") + [UInt8](repeating: 0x7A, count: 300_000))
            #expect(client.read() == .closed)
            #expect(try responses(client).map(\.body.count) == [200_000])
            #expect(server.onLoop { server.application.kept.allSatisfy { $0.head.path == name && $0.head.value(of: "x-name") == name } })
        }
    }

    private func dateless(_ client: RawClient) -> String {
        client.text.split(separator: "\r\n", omittingEmptySubsequences: false).filter { !$0.hasPrefix("Date: ") }.joined(separator: "\r\n")
    }

    @Test func `a response of unknown length is chunked to 1.1, and ends with the connection to 1.0`() throws {
        defer { server.stop() }
        let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nb\r\nhello world\r\n0\r\n\r\n"
        let known = "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nhello world"
        let client = try server.connect()
        client.send(["/stream", "/later-stream/5", "/stream"].flatMap { request("GET \($0) HTTP/1.1", "Host: a") })
        client.send(request("HEAD /stream HTTP/1.1", "Host: a") + request("GET /stream HTTP/1.0", "Connection: keep-alive"))
        client.read()
        #expect(
            dateless(client) == chunked + known + chunked + "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                + "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello world")
    }

    @Test(arguments: ["/short", "/abort", "/abort-unread"])
    func `a response that is broken off ends the connection and leaves nothing to the next one`(path: String) throws {
        defer { server.stop() }
        for cut in [Cut.whole, .bytewise] {
            let client = try server.connect()
            client.send(get() + post(path, "5\r\nhelloX", "Transfer-Encoding: chunked") + get(), cut: cut)
            client.read()
            let text = dateless(client)
            #expect(text.hasPrefix("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nGET /HTTP/1.1 200 OK\r\n"), "\(text)")
            #expect(!text.contains("\r\n0\r\n\r\n") && text.split(separator: "HTTP/1.1").count == 2, "\(text)")
            let next = try server.connect()
            next.send(ConnectionRuleTests.probe)
            next.read()
            #expect(try responses(next).map(\.text) == ["GET /after"])
        }
        #expect(server.onLoop { server.application.received.filter { $0 == path }.count } == 2)
    }

    // MARK: Requests that another process answers

    @Test func `a request can be answered elsewhere, with what was read behind it and after what came before it`() throws {
        defer { server.stop() }
        let other = try ConnectionServer()
        defer { other.stop() }
        server.onLoop { [server] in
            server.application.handler = { exchange in
                guard exchange.head.path == "/moved" else { return false }
                return exchange.divert { connection, bytes, readAt in
                    let copy = dup(connection)
                    let read = unsafe bytes.withUnsafeBytes { unsafe Array($0) }
                    other.loop.execute { other.service.take(copy, isNew: false, bytes: read, readAt: readAt) }
                    return true
                }
            }
        }
        let requests = request("GET /before HTTP/1.1", "Host: a") + post("/moved", "content", "Content-Length: 7") + request("GET /behind HTTP/1.1", "Host: a")
        for cut in [Cut.whole, .bytewise] {
            let client = try server.connect()
            client.send(requests, cut: cut)
            client.send(request("GET /last HTTP/1.1", "Host: a"))
            client.endSending()
            client.read()
            #expect(try responses(client).map(\.text) == ["GET /before", "POST /moved", "GET /behind", "GET /last"])
        }
        #expect(server.onLoop { server.application.received } == ["/before", "/moved", "/before", "/moved"])
        #expect(other.onLoop { other.application.received } == ["/moved", "/behind", "/last", "/moved", "/behind", "/last"])
        #expect(server.eventually { $0.openConnections == 0 } && other.eventually { $0.openConnections == 0 })
        #expect(server.onLoop { server.figures[.requests] } == 2 && other.onLoop { other.figures[.requests] } == 6)
    }

    @Test func `a request that can't go elsewhere is given to the application again`() throws {
        defer { server.stop() }
        server.onLoop { [server] in
            server.application.handler = { exchange in
                exchange.head.path == "/moved" && exchange.divert { _, _, _ in false }
            }
        }
        let client = try server.connect()
        client.send(request("GET /moved HTTP/1.1", "Host: a") + request("GET /moved HTTP/1.1", "Host: a") + request("GET /behind HTTP/1.1", "Host: a"))
        client.endSending()
        client.read()
        #expect(try responses(client).map(\.text) == ["GET /moved", "GET /moved", "GET /behind"])
    }
}
