// Facts about what a client reads off the wire from routes, with everything between the socket and the handler in place.

import Everycore
import EverycoreHTTP
import EverycoreLoop
import HTTPTypes
import Testing

struct WireTests {
    private struct Secret: Error, CustomStringConvertible { let description = "the password is 1234" }

    private static func server() throws -> SocketServer {
        try SocketServer { routes in
            routes.addHealth()
            routes.addDemonstration()
            routes.get("/throws") { _ in throw Secret() }
            routes.get("/later-throws") { request in
                try await request.context.loop.sleep(for: .milliseconds(5))
                throw Secret()
            }
            routes.get("/gone") { _ in throw HTTPError(410, "gone for good") }
            routes.get("/injects") { _ in .text("a").header("X-A", "b\r\nSet-Cookie: c") }
            routes.get("/status/:n") { request in
                Response(status: try request.parameters.require("n", as: Int.self), contentType: .plain, body: .text("content"))
                    .header("ETag", "\"a\"")
            }
            routes.post("/post") { request in .text(request.body.text) }
            routes.get("/versioned") { _ in
                .text("content").header("ETag", "\"a\"").header("Cache-Control", "max-age=5").header("Last-Modified", "Sun, 06 Nov 1994 08:49:37 GMT")
            }
            routes.get("/dated") { _ in .html("content").header("Last-Modified", "Sun, 06 Nov 1994 08:49:37 GMT") }
            routes.post("/versioned") { _ in .text("done").header("ETag", "\"a\"") }
            routes.on(.init("PURGE") ?? .get, "/purged/:x") { .text("\($0.method.rawValue) \($0.parameters["x"] ?? "") \($0.body.text)") }
            routes.get("/query") { .text($0.queryItems.map { "\($0.name)=\($0.value)" }.joined(separator: ",")) }
            routes.get("/authority") { request in .text(request.authority ?? "none") }
            routes.post("/trailers/:kind") { request in .text(Self.trailers(request)) }
            routes.post("/later-trailers") { request in
                try await request.context.loop.sleep(for: .milliseconds(5))
                return .text(Self.trailers(request))
            }
            routes.stream(.post, "/streamed-trailers", upTo: 1000) { request, body in
                let before = Self.trailers(request)
                var count = 0
                for try await piece in body { count += piece.count }
                return .text("\(before) \(count) \(Self.trailers(request))")
            }
        }
    }

    private static func trailers(_ request: Request) -> String {
        "<" + request.trailers.map { "\($0.name.rawName)=\($0.value)" }.joined(separator: ",") + ">"
    }

    /// Requests, and the whole of what comes back, dates apart. The last request of each closes.
    private static let rows: [(rule: String, sent: String, received: String)] = [
        (
            "a plain request", "GET /plaintext HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
            "HTTP/1.1 200 OK\r\nDate: D\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 13\r\nConnection: close\r\n\r\nHello, World!"
        ),
        (
            "6: an unknown method", "BREW / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
            "HTTP/1.1 501 Not Implemented\r\nDate: D\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 36\r\nConnection: close\r\n\r\nthis server doesn't know the method\n"
        ),
        (
            "6: a method not offered", "DELETE /post HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
            "HTTP/1.1 405 Method Not Allowed\r\nDate: D\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 31\r\nConnection: close\r\nAllow: POST, OPTIONS\r\n\r\nthis method isn't offered here\n"
        ),
        (
            "7: OPTIONS *", "OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
            "HTTP/1.1 204 No Content\r\nDate: D\r\nConnection: close\r\nAllow: GET, HEAD, POST, PUT, PATCH, OPTIONS, PURGE\r\n\r\n"
        ),
        (
            "39: a handler's answer that the client has", "GET /versioned HTTP/1.1\r\nHost: a\r\nIf-None-Match: W/\"a\"\r\nConnection: close\r\n\r\n",
            "HTTP/1.1 304 Not Modified\r\nDate: D\r\nConnection: close\r\nETag: \"a\"\r\nCache-Control: max-age=5\r\n\r\n"
        ),
        (
            "39: a handler's answer to HEAD", "HEAD /versioned HTTP/1.1\r\nHost: a\r\nIf-None-Match: \"a\"\r\nConnection: close\r\n\r\n",
            "HTTP/1.1 304 Not Modified\r\nDate: D\r\nConnection: close\r\nETag: \"a\"\r\nCache-Control: max-age=5\r\n\r\n"
        ),
        (
            "39: a handler's answer by its date", "GET /dated HTTP/1.1\r\nHost: a\r\nIf-Modified-Since: Sun Nov  6 08:49:37 1994\r\nConnection: close\r\n\r\n",
            "HTTP/1.1 304 Not Modified\r\nDate: D\r\nConnection: close\r\nLast-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n"
        ),
        (
            "39: another tag wins over the date",
            "GET /versioned HTTP/1.1\r\nHost: a\r\nIf-None-Match: \"b\"\r\nIf-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\nConnection: close\r\n\r\n",
            "HTTP/1.1 200 "
        ),
        (
            "39: a handler's answer of another version", "GET /versioned HTTP/1.1\r\nHost: a\r\nIf-Match: \"b\"\r\nConnection: close\r\n\r\n",
            "HTTP/1.1 412 "
        ),
        ("39: one without a tag", "GET /dated HTTP/1.1\r\nHost: a\r\nIf-Match: \"b\"\r\nConnection: close\r\n\r\n", "HTTP/1.1 412 "),
        ("39: what another method did is done", "POST /versioned HTTP/1.1\r\nHost: a\r\nIf-None-Match: \"a\"\r\nConnection: close\r\n\r\n", "HTTP/1.1 200 "),
        (
            "7: the authority of an absolute target wins over Host", "GET http://b:81/authority HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
            "HTTP/1.1 200 OK\r\nDate: D\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 4\r\nConnection: close\r\n\r\nb:81"
        ),
        (
            "21: trailers of content that is collected",
            "POST /trailers/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 1\r\nHost: b\r\nx-sum: 2\r\n\r\n",
            "HTTP/1.1 200 OK\r\nDate: D\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 17\r\nConnection: close\r\n\r\n<X-Sum=1,x-sum=2>"
        ),
        (
            "21: trailers after a wait",
            "POST /later-trailers HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-Sum: 1\r\n\r\n"
                + "POST /later-trailers HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello",
            "HTTP/1.1 200 OK\r\nDate: D\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 9\r\n\r\n<X-Sum=1>"
                + "HTTP/1.1 200 OK\r\nDate: D\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 2\r\nConnection: close\r\n\r\n<>"
        ),
        (
            "21: trailers of content that streams",
            "POST /streamed-trailers HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n",
            "HTTP/1.1 200 OK\r\nDate: D\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 14\r\nConnection: close\r\n\r\n<> 5 <X-Sum=1>"
        ),
        ("6: an unknown method where no path is", "BREW /none HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "HTTP/1.1 501 "),
        ("6: a method that only another path has", "PURGE /plaintext HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "HTTP/1.1 405 "),
        ("8: TRACE where no path is", "TRACE /none HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "HTTP/1.1 404 "),
        ("50: OPTIONS where no path is", "OPTIONS /none HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "HTTP/1.1 404 "),
        ("50: a method of one's own where no path is", "PURGE /none HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "HTTP/1.1 404 "),
        (
            "50: a method of one's own", "PURGE /purged/x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello",
            "HTTP/1.1 200 OK\r\nDate: D\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 13\r\nConnection: close\r\n\r\nPURGE x hello"
        ),
        (
            "9: a malformed escape in the query", "GET /query?q=100%&r=%4&s=%C3%BC HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
            "HTTP/1.1 200 OK\r\nDate: D\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 16\r\nConnection: close\r\n\r\nq=100%,r=%4,s=ü"
        ),
        ("7: CONNECT", "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", "HTTP/1.1 501 "),
        (
            "8: TRACE", "TRACE /plaintext HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
            "HTTP/1.1 405 Method Not Allowed\r\nDate: D\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 31\r\nConnection: close\r\nAllow: GET, HEAD, OPTIONS\r\n\r\nthis method isn't offered here\n"
        ),
        (
            "25: content that comes after a 100, or with the head",
            "POST /post HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello",
            "HTTP/1.1 200 OK\r\nDate: D\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"
        ),
        (
            "25: content over the limit is refused before it is sent",
            "POST /post HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1025\r\n\r\n", "HTTP/1.1 413 "
        ),
        ("25: no route, so no 100", "POST /nowhere HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n", "HTTP/1.1 404 "),
        ("29: a header value with CRLF becomes a 500", "GET /injects HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "HTTP/1.1 500 "),
        ("30: a handler that throws", "GET /throws HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "HTTP/1.1 500 "),
        ("30: a handler that throws later", "GET /later-throws HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "HTTP/1.1 500 "),
        (
            "30: an error made for the client", "GET /gone HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
            "HTTP/1.1 410 Gone\r\nDate: D\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 14\r\nConnection: close\r\n\r\ngone for good\n"
        ),
        (
            "27: 204", "GET /status/204 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
            "HTTP/1.1 204 No Content\r\nDate: D\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\nETag: \"a\"\r\n\r\n"
        ),
        (
            "27: 304", "GET /status/304 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
            "HTTP/1.1 304 Not Modified\r\nDate: D\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\nETag: \"a\"\r\n\r\n"
        ),
        (
            "34: pipelined, in order",
            "GET /sleep?ms=20 HTTP/1.1\r\nHost: a\r\n\r\nGET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "HTTP/1.1 200 OK\r\nDate: D\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 12\r\n\r\nslept 20 ms\n"
                + "HTTP/1.1 200 OK\r\nDate: D\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n"
        ),
    ]

    private func dateless(_ response: [UInt8]) -> String {
        String(decoding: response, as: UTF8.self).split(separator: "\r\n", omittingEmptySubsequences: false)
            .map { $0.hasPrefix("Date: ") ? "Date: D" : String($0) }.joined(separator: "\r\n")
    }

    @Test(arguments: rows.map(\.rule)) func `a rule holds for a routed request`(rule: String) throws {
        let row = try #require(Self.rows.first { $0.rule == rule })
        let server = try Self.server()
        for bytewise in [false, true] {
            let all = dateless(server.exchange(row.sent, bytewise: bytewise))
            let interim = "HTTP/1.1 100 Continue\r\n\r\n"
            #expect(bytewise || !all.hasPrefix(interim))
            let received = all.hasPrefix(interim) ? String(all.dropFirst(interim.count)) : all
            if row.received.hasSuffix(" ") {
                #expect(received.hasPrefix(row.received), "\(received)")
            } else {
                #expect(received == row.received)
            }
            #expect(!received.contains("1234") && !received.contains("Set-Cookie"))
        }
    }

    @Test(arguments: ["/", "/plaintext", "/json", "/whoami", "/echo", "/sleep?ms=1", "/work?ms=1", "/sleep", "/health", "/ready", "/none", "/throws"])
    func `HEAD has GET's header section and no body`(path: String) throws {
        let server = try Self.server()
        let get = dateless(server.exchange("GET \(path) HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"))
        let head = dateless(server.exchange("HEAD \(path) HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"))
        #expect(head.hasSuffix("\r\n\r\n") && get.hasPrefix(head), "\(head)")
        #expect(get.contains("Content-Length: \(get.utf8.count - head.utf8.count)\r\n"))
    }
}
