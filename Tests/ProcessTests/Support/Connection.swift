// A client's connection: bytes out, replies in, every wait with a limit. No HTTP library stands between the test and the wire.

import Glibc
import TestSupport

final class Connection {
    let descriptor: Int32
    /// How it ended, when it has: `closed`, or the error's text.
    private(set) var end: String?
    private var input: [UInt8] = []

    init(_ endpoint: Endpoint) throws { descriptor = try endpoint.connecting() }

    deinit { leave() }

    /// The client closes its side.
    func leave() {
        if end != "left" { close(descriptor) }
        end = "left"
    }

    /// Sends all of it, as fast as the server takes it.
    func send(_ text: String) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty, end == nil {
            let count = unsafe rest.withUnsafeBytes { unsafe Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            if count > 0 {
                rest = rest.dropFirst(count)
            } else if errno == EAGAIN {
                guard Self.wait(for: [self], Int16(POLLOUT), upTo: .seconds(5)) else { return end = "the server doesn't read" }
            } else if errno != EINTR {
                end = unsafe String(cString: strerror(errno))
            }
        }
    }

    func request(_ method: String, _ target: String, headers: String = "", body: String = "") {
        let length = body.isEmpty ? "" : "Content-Length: \(body.utf8.count)\r\n"
        send("\(method) \(target) HTTP/1.1\r\nHost: localhost\r\n\(headers)\(length)\r\n\(body)")
    }

    /// Takes what is there, without waiting.
    func receive() {
        var chunk = [UInt8](repeating: 0, count: 65536)
        while end == nil {
            let count = unsafe chunk.withUnsafeMutableBytes { unsafe read(descriptor, $0.baseAddress, $0.count) }
            if count > 0 {
                input += chunk.prefix(count)
                if count < chunk.count { return }
            } else if count == 0 {
                end = "closed"
            } else if errno == EAGAIN {
                return
            } else if errno != EINTR {
                end = unsafe String(cString: strerror(errno))
            }
        }
    }

    /// The next whole reply of those that have arrived.
    func nextReply(toHead: Bool = false) -> Reply? {
        guard let (reply, length) = Reply.parse(input, toHead: toHead) else { return nil }
        input.removeFirst(length)
        return reply
    }

    /// Waits for the next reply.
    func reply(toHead: Bool = false, within limit: Duration = .seconds(5)) throws -> Reply {
        let deadline = ContinuousClock.now + limit
        while true {
            receive()
            if let reply = nextReply(toHead: toHead) { return reply }
            if let end { throw NoReply(reason: end, partial: String(decoding: input, as: UTF8.self)) }
            let left = deadline - ContinuousClock.now
            guard left > .zero else { throw NoReply(reason: "none in time", partial: String(decoding: input, as: UTF8.self)) }
            _ = Self.wait(for: [self], upTo: left)
        }
    }

    /// Waits for so many bytes that are no reply, and takes them; fewer when they don't come.
    func awaitBytes(_ count: Int, within limit: Duration = .seconds(5)) -> [UInt8] {
        let deadline = ContinuousClock.now + limit
        while true {
            receive()
            let left = deadline - ContinuousClock.now
            guard input.count < count, end == nil, left > .zero else { break }
            _ = Self.wait(for: [self], upTo: left)
        }
        defer { input.removeFirst(min(count, input.count)) }
        return Array(input.prefix(count))
    }

    /// Waits until the server has ended the connection, and says how.
    func awaitEnd(within limit: Duration = .seconds(5)) -> String? {
        let deadline = ContinuousClock.now + limit
        while true {
            receive()
            let left = deadline - ContinuousClock.now
            guard end == nil, left > .zero else { return end }
            _ = Self.wait(for: [self], upTo: left)
        }
    }

    /// Waits until one of the connections has something to say.
    @discardableResult
    static func wait(for connections: [Connection], _ events: Int16 = Int16(POLLIN), upTo limit: Duration) -> Bool {
        var requests = connections.map { pollfd(fd: $0.descriptor, events: events, revents: 0) }
        let (seconds, attoseconds) = limit.components
        let milliseconds = seconds * 1000 + attoseconds / 1_000_000_000_000_000 + 1
        return unsafe poll(&requests, nfds_t(requests.count), Int32(clamping: milliseconds)) > 0
    }
}

struct NoReply: Error {
    let reason: String
    let partial: String
}

/// A response as it came.
struct Reply {
    let status: Int
    let fields: [(name: String, value: String)]
    let body: String

    /// The first value under a name in lower case.
    subscript(name: String) -> String? { fields.first { $0.name == name }?.value }

    /// Final responses with a Content-Length or without content, which is all that this server sends.
    static func parse(_ bytes: [UInt8], toHead: Bool) -> (Reply, length: Int)? {
        guard let end = bytes.firstRange(of: [13, 10, 13, 10]) else { return nil }
        let lines = String(decoding: bytes[..<end.lowerBound], as: UTF8.self).split(separator: "\r\n")
        let fields = lines.dropFirst().map { line in
            let parts = line.split(separator: ":", maxSplits: 1)
            return (name: parts[0].lowercased(), value: parts.count < 2 ? "" : String(parts[1].drop { $0 == " " }))
        }
        let status = lines.first?.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        let content = fields.first { $0.name == "content-length" }.flatMap { Int($0.value) } ?? 0
        let length = end.upperBound + (toHead ? 0 : content)
        guard bytes.count >= length else { return nil }
        return (Reply(status: status, fields: fields, body: String(decoding: bytes[end.upperBound..<length], as: UTF8.self)), length)
    }
}
