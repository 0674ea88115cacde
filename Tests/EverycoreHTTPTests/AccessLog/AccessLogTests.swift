// One line for each response that counts, whatever became of it, and what is in it. Requests go over sockets to a server with a log.

import EverycoreHTTP
import EverycoreStatistics
import Foundation
import Testing

/// Keeps lines in memory.
private final class Lines: LineSink {
    private(set) var lines: [String] = []
    private var staged: String?
    var isFull = false

    func stage(_ line: UnsafeRawBufferPointer) -> Bool {
        staged = unsafe isFull ? nil : String(decoding: line, as: UTF8.self)
        return !isFull
    }

    func commit() {
        if let staged { lines.append(staged) }
        staged = nil
    }
}

/// What a line of the format `json` says.
private struct Line: Decodable, Equatable {
    let time: String, peer: String, peer_port: Int?, status: Int, bytes: Int, duration: Double, worker: String, generation: Int
    let method: String?, target: String?, `protocol`: String?, host: String?, user_agent: String?, referer: String?
    let forwarded_for: String?, forwarded: String?, request_id: String?, request: String?, aborted: Bool?
}

@Suite struct AccessLogTests {
    private final class Logged {
        let server: ConnectionServer
        let sink = Lines()

        init(_ settings: AccessLog.Settings, timeouts: ConnectionTimeouts = ConnectionTimeouts(), limits: HTTPLimits = HTTPLimits()) throws {
            server = try ConnectionServer(limits: limits, timeouts: timeouts)
            let (server, sink) = (server, sink)
            server.onLoop {
                server.service.accessLog = AccessLog(settings, worker: "3", generation: 12, figures: server.figures, sink: sink)
            }
        }

        var lines: [String] {
            let sink = sink
            return server.onLoop { sink.lines }
        }

        /// Sends, reads to the connection's end, and gives the lines.
        func lines(after bytes: [UInt8]) throws -> [String] {
            let client = try server.connect()
            client.send(bytes)
            client.read()
            return lines
        }

        var requests: UInt64 { server.onLoop { [server] in server.figures[.requests] } }

        deinit { server.stop() }
    }

    private func logged(
        _ format: AccessLog.Format, sample: Int = 1, slowerThan: UInt64 = 0, timeouts: ConnectionTimeouts = ConnectionTimeouts(),
        limits: HTTPLimits = HTTPLimits()
    ) throws -> Logged {
        var settings = AccessLog.Settings()
        (settings.format, settings.sample, settings.slowerThan) = (format, sample, slowerThan)
        return try Logged(settings, timeouts: timeouts, limits: limits)
    }

    private func decoded(_ lines: [String]) throws -> [Line] { try lines.map { try JSONDecoder().decode(Line.self, from: Data($0.utf8)) } }

    private static let last = "Connection: close"

    // MARK: Formats

    @Test func `the common format`() throws {
        let log = try logged(.common)
        let lines = try log.lines(after: request("GET /constant?q=1 HTTP/1.1", "Host: a", Self.last))
        let line = try #require(lines.first)
        #expect(
            try #/127\.0\.0\.1 - - \[\d\d/[A-Z][a-z][a-z]/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] "GET /constant\?q=1 HTTP/1\.1" 200 8\n/#.wholeMatch(in: line) != nil,
            "\(line)")
    }

    @Test func `the combined format`() throws {
        let log = try logged(.combined)
        let lines = try log.lines(
            after: request("GET /a HTTP/1.1", "Host: a", "User-Agent: b \"c\"\t", "REFERER: http://d/\\") + request("HEAD /b HTTP/1.0"))
        #expect(lines.count == 2)
        #expect(lines[0].hasSuffix(#""GET /a HTTP/1.1" 200 6 "http://d/\\" "b \"c\"""# + "\n"), "\(lines[0])")
        #expect(lines[1].hasSuffix(#""HEAD /b HTTP/1.0" 200 0 "-" "-""# + "\n"), "\(lines[1])")
    }

    @Test func `the JSON format has every field`() throws {
        let log = try logged(.json)
        let lines = try decoded(
            try log.lines(
                after: request(
                    "GET /a?b HTTP/1.1", "Host: h:1", "User-Agent: é", "Referer: r", "X-Forwarded-For: 10.0.0.1, 10.0.0.2", "Forwarded: for=_x;by=\"y\"",
                    "X-Request-Id: abc-1", Self.last)))
        let line = try #require(lines.first)
        #expect(line.peer == "127.0.0.1" && (line.peer_port ?? 0) > 0 && line.host == "h:1")
        #expect(line.method == "GET" && line.target == "/a?b" && line.protocol == "HTTP/1.1" && line.status == 200 && line.bytes == 6)
        #expect(line.user_agent == "é" && line.referer == "r" && line.forwarded_for == "10.0.0.1, 10.0.0.2" && line.forwarded == "for=_x;by=\"y\"")
        #expect(line.request_id == "abc-1" && line.worker == "3" && line.generation == 12 && line.aborted == nil)
        #expect(line.duration > 0 && line.duration < 5)
        let formatter = ISO8601DateFormatter()
        formatter.formatOptions = [.withInternetDateTime, .withFractionalSeconds]
        let shortened = line.time.replacing(#/(\.\d{3})\d{3}/#) { $0.output.1 }
        #expect(abs(try #require(formatter.date(from: shortened)).timeIntervalSinceNow) < 5, "\(line.time)")
    }

    @Test func `a request id that could be mistaken for anything else is left out`() throws {
        for id in ["two words", "quote\"", "back\\slash", String(repeating: "x", count: 129)] {
            let log = try logged(.json)
            let lines = try decoded(try log.lines(after: request("GET /a HTTP/1.1", "Host: h", "X-Request-Id: \(id)", Self.last)))
            #expect(lines.map(\.request_id) == [nil])
        }
    }

    @Test(arguments: AccessLog.Format.allCases)
    func `no field makes a line longer than it may be, or ends it`(_ format: AccessLog.Format) throws {
        var bytes: [UInt8] = Array("GET /".utf8)
        bytes += [UInt8](repeating: 0x22, count: 7000)
        bytes += Array(" HTTP/1.1\r\nHost: h\r\n".utf8)
        for name in ["User-Agent", "Referer", "X-Forwarded-For", "Forwarded", "X-Request-Id"] {
            bytes += Array("\(name): ".utf8) + [UInt8](repeating: 0xFF, count: 4000) + Array("\r\n".utf8)
        }
        bytes += Array("Connection: close\r\n\r\n".utf8)
        let log = try logged(format)
        let lines = try log.lines(after: bytes)
        #expect(lines.count == 1 && lines[0].utf8.count <= 4096 && lines[0].hasSuffix("\n"))
        #expect(lines[0].utf8.dropLast().allSatisfy { (0x20..<0x7F).contains($0) })
        if format == .json { _ = try decoded(lines) }
    }

    // MARK: Which requests

    @Test func `constants, pipelined requests, heads and large content have a line each`() throws {
        let log = try logged(.json)
        let lines = try decoded(
            try log.lines(
                after: request("GET /constant HTTP/1.1", "Host: a") + request("HEAD /constant HTTP/1.1", "Host: a")
                    + post("/echo", "hello", "Content-Length: 5")
                    + request("GET /big/300000 HTTP/1.1", "Host: a") + request("GET /status/304 HTTP/1.1", "Host: a")
                    + request("GET /later/5 HTTP/1.1", "Host: a", Self.last)))
        #expect(lines.map(\.status) == [200, 200, 200, 200, 304, 200])
        #expect(lines.map(\.bytes) == [8, 0, 5, 300_000, 0, 7])
        #expect(lines.map(\.method) == ["GET", "HEAD", "POST", "GET", "GET", "GET"])
        #expect(lines[5].duration >= 0.005 && lines[5].target == "/later/5", "the head is kept for a response that comes later")
        #expect(log.requests == 6)
    }

    @Test func `a stream has its line when it ends, with the bytes of its content`() throws {
        let log = try logged(.json)
        let lines = try decoded(
            try log.lines(after: request("GET /stream HTTP/1.1", "Host: a") + request("GET /later-stream/5 HTTP/1.1", "Host: a", Self.last)))
        #expect(lines.map(\.bytes) == [11, 11] && lines.map(\.status) == [200, 200] && log.requests == 2)
    }

    @Test func `a response that is broken off has a line that says so, and doesn't count`() throws {
        let log = try logged(.json)
        let lines = try decoded(try log.lines(after: request("GET /abort HTTP/1.1", "Host: a")))
        #expect(lines.map(\.status) == [200] && lines.map(\.bytes) == [11] && lines.map(\.aborted) == [true])
        #expect(lines.map(\.target) == ["/abort"])
        #expect(log.requests == 0)
    }

    @Test func `a client that leaves before its response has a line with 499`() throws {
        let log = try logged(.json)
        let client = try log.server.connect()
        client.send(request("GET /never HTTP/1.1", "Host: a"))
        #expect(log.server.eventually { $0.application.received.contains("/never") })
        client.reset()
        let sink = log.sink
        #expect(log.server.eventually { _ in !sink.lines.isEmpty })
        let lines = try decoded(log.lines)
        #expect(lines.map(\.status) == [499] && lines.map(\.aborted) == [true] && lines.map(\.target) == ["/never"])
        #expect(lines.map(\.peer) == ["127.0.0.1"])
        #expect(log.requests == 0)
    }

    @Test func `what can't be read is shown as far as it came`() throws {
        let log = try logged(.json)
        let lines = try decoded(try log.lines(after: Array("GET /\u{1}\"bad HTTP/1.1\r\nHost: a\r\n\r\n".utf8)))
        #expect(lines.map(\.status) == [400] && lines.map(\.request) == ["GET /\u{1}\"bad HTTP/1.1"] && lines.map(\.method) == [nil])
        let text = try logged(.combined)
        let line = try #require(try text.lines(after: [0x16, 0x03, 0x01, 0x02, 0x00] + Array("\r\n\r\n".utf8)).first)
        #expect(line.contains(#""\x16\x03\x01\x02\x00" 400 "#) && line.hasSuffix(#" "-" "-""# + "\n"), "\(line)")
        #expect(text.requests == 1)
    }

    @Test func `refusals with a head that was read show it`() throws {
        let log = try logged(.json)
        let lines = try decoded(
            try log.lines(
                after: request("GET /a HTTP/1.1", "Host: a", "Expect: the-unexpected") + post("/small", "12345678901", "Content-Length: 11")))
        #expect(lines.map(\.status) == [417, 413] && lines.map(\.target) == ["/a", "/small"] && lines.allSatisfy { $0.bytes > 0 })
        #expect(log.requests == 2)
    }

    @Test func `deadlines have a line`() throws {
        var timeouts = ConnectionTimeouts()
        (timeouts.header, timeouts.handler) = (80_000_000, 80_000_000)
        let log = try logged(.json, timeouts: timeouts)
        let lines = try decoded(try log.lines(after: request("GET /forgotten HTTP/1.1", "Host: a")))
        #expect(lines.map(\.status) == [503] && lines.map(\.target) == ["/forgotten"] && lines[0].duration >= 0.08)
        let half = try decoded(try log.lines(after: Array("GET /half HTTP/1.1\r\nHost".utf8)))
        #expect(half.last?.status == 408 && half.last?.request == "GET /half HTTP/1.1")
    }

    // MARK: Which of them

    @Test func `where there is no room lines are lost and counted, and requests are served`() throws {
        let log = try logged(.common)
        log.sink.isFull = true
        _ = try log.lines(after: request("GET /constant HTTP/1.1", "Host: a") + request("GET /a HTTP/1.1", "Host: a", Self.last))
        #expect(log.requests == 2 && log.lines.isEmpty)
        let figures = log.server.figures
        #expect(log.server.onLoop { (figures[.accessLogLost], figures[.accessLogLines]) } == (2, 0))
    }

    @Test func `a sample has about one of so many`() throws {
        let log = try logged(.common, sample: 10)
        let one = request("GET /constant HTTP/1.1", "Host: a")
        let lines = try log.lines(after: (0..<2000).flatMap { _ in one } + request("GET /constant HTTP/1.1", "Host: a", Self.last))
        #expect((120...290).contains(lines.count), "\(lines.count)")
        #expect(log.requests == 2001)
        let figures = log.server.figures
        #expect(log.server.onLoop { figures[.accessLogLines] } == UInt64(lines.count))
    }

    @Test func `those that take long have a line, and of the others a sample where one is asked for`() throws {
        let log = try logged(.json, slowerThan: 20_000_000)
        let lines = try decoded(
            try log.lines(after: request("GET /constant HTTP/1.1", "Host: a") + request("GET /later/30 HTTP/1.1", "Host: a", Self.last)))
        #expect(lines.map(\.target) == ["/later/30"])
        let both = try logged(.json, sample: 2, slowerThan: 20_000_000)
        let one = request("GET /constant HTTP/1.1", "Host: a")
        let sampled = try decoded(try both.lines(after: (0..<200).flatMap { _ in one } + request("GET /later/30 HTTP/1.1", "Host: a", Self.last)))
        #expect((50...150).contains(sampled.count) && sampled.last?.target == "/later/30")
    }
}
