// A client that sends exactly the bytes it is told to, and reads all that comes, with a deadline on everything.

import EverycoreLoop
import Glibc
import TestSupport

/// How a connection's bytes are cut into writes.
enum Cut: Sendable, Hashable, CustomStringConvertible {
    case whole
    case bytewise
    case at([Int])

    var description: String {
        switch self {
        case .whole: "whole"
        case .bytewise: "byte by byte"
        case .at(let positions): "split at \(positions)"
        }
    }

    func pieces(of bytes: [UInt8]) -> [ArraySlice<UInt8>] {
        switch self {
        case .whole: return [bytes[...]]
        case .bytewise: return bytes.indices.map { bytes[$0...$0] }
        case .at(let positions):
            var pieces: [ArraySlice<UInt8>] = []
            var start = 0
            for position in positions.sorted() where position > start && position < bytes.count {
                pieces.append(bytes[start..<position])
                start = position
            }
            return pieces + [bytes[start...]]
        }
    }
}

final class RawClient {
    let descriptor: Int32
    /// Everything that has come.
    private(set) var received: [UInt8] = []
    private(set) var end: End = .open

    enum End: Equatable { case open, closed, reset }

    init(port: UInt16, receiveBuffer: Int32 = 0) throws {
        descriptor = try Endpoint.ipv4(port).connectingAndWaiting(receiveBuffer: receiveBuffer)
        Self.setOption(descriptor, IPPROTO_TCP, TCP_NODELAY, 1)
    }

    static func setOption(_ descriptor: Int32, _ level: Int, _ name: Int32, _ value: Int32) {
        var value = value
        _ = unsafe setsockopt(descriptor, Int32(level), name, &value, 4)
    }

    deinit { close(descriptor) }

    /// Sends as much as the server takes before the deadline; says how much that was.
    @discardableResult
    func send(_ bytes: ArraySlice<UInt8>, seconds: Double = 5) -> Int {
        var sent = 0
        let deadline = EventLoop.monotonicNanoseconds() + UInt64(seconds * 1e9)
        while sent < bytes.count {
            let count = unsafe bytes.withUnsafeBytes {
                unsafe Glibc.send(
                    descriptor, $0.baseAddress?.advanced(by: sent), $0.count - sent, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
            }
            if count > 0 { sent += count; continue }
            guard errno == EAGAIN || errno == EINTR, wait(Int16(POLLOUT), until: deadline) else { return sent }
        }
        return sent
    }

    @discardableResult
    func send(_ bytes: [UInt8]) -> Int { send(bytes[...]) }

    func send(_ text: String) { send(Array(text.utf8)) }

    /// Sends in pieces, each one given the time to arrive alone.
    func send(_ bytes: [UInt8], cut: Cut) {
        if cut == .whole { send(bytes); return }
        let pieces = cut.pieces(of: bytes)
        for (number, piece) in pieces.enumerated() {
            if send(piece) < piece.count { return }
            if cut != .bytewise { usleep(300) } else if number % 8 == 0 { usleep(1) }
        }
    }

    private func wait(_ events: Int16, until deadline: UInt64) -> Bool {
        let now = EventLoop.monotonicNanoseconds()
        guard now < deadline else { return false }
        var poll = pollfd(fd: descriptor, events: events, revents: 0)
        return unsafe Glibc.poll(&poll, 1, Int32(clamping: (deadline - now) / 1_000_000 + 1)) > 0
    }

    /// Reads until the end, the deadline, or until `enough`.
    @discardableResult
    func read(seconds: Double = 5, until enough: ([UInt8]) -> Bool = { _ in false }) -> End {
        let deadline = EventLoop.monotonicNanoseconds() + UInt64(seconds * 1e9)
        var buffer = [UInt8](repeating: 0, count: 65536)
        while end == .open, !enough(received) {
            guard wait(Int16(POLLIN), until: deadline) else { return end }
            let count = unsafe Glibc.read(descriptor, &buffer, buffer.count)
            if count > 0 {
                received += buffer[0..<count]
            } else if count == 0 {
                end = .closed
            } else if errno != EINTR {
                end = .reset
            }
        }
        return end
    }

    /// One read(2) of at most that many bytes.
    func readOnce(upTo limit: Int) {
        guard wait(Int16(POLLIN), until: EventLoop.monotonicNanoseconds() + 1_000_000_000) else { return }
        var buffer = [UInt8](repeating: 0, count: limit)
        let count = unsafe Glibc.read(descriptor, &buffer, limit)
        if count > 0 { received += buffer[0..<count] } else { end = count == 0 ? .closed : .reset }
    }

    /// Reads until that text has come.
    func read(until text: String, seconds: Double = 5) -> Bool {
        let wanted = Array(text.utf8)
        read(seconds: seconds) { $0.hasSubsequence(wanted) }
        return received.hasSubsequence(wanted)
    }

    func endSending() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// Closes so that the other side gets a reset.
    func reset() {
        var option = linger(l_onoff: 1, l_linger: 0)
        _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
        shutdownByClose()
    }

    private func shutdownByClose() {
        // The descriptor's number stays ours until deinit: a closed socket takes its place.
        let other = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        dup2(other, descriptor)
        close(other)
    }

    var text: String { String(decoding: received, as: UTF8.self) }
    func clear() { received = [] }
}

extension [UInt8] {
    func hasSubsequence(_ wanted: [UInt8]) -> Bool {
        guard !wanted.isEmpty, count >= wanted.count else { return wanted.isEmpty }
        return indices.dropLast(wanted.count - 1).contains { self[$0] == wanted[0] && self[$0..<$0 + wanted.count].elementsEqual(wanted) }
    }
}
