// One request to a service, and its response as it comes. Its descriptor can be polled beside others; only connecting and sending wait.
// Process: any other than a service's · Thread: main

#if Command
import Glibc

package final class AdminStream {
    package let address: AdminAddress
    /// To be polled for input.
    package let descriptor: Int32
    private var reader = ResponseReader()
    private var line: [UInt8] = []

    /// The longest line that is taken.
    private static let lineLimit = 16 << 20
    /// So many pieces are taken at once, of 64 KB at most.
    private static let steps = 16

    /// Connects and sends the request.
    /// - Parameters:
    ///   - json: a POST with this content, where there is one; else a GET.
    ///   - timeout: for the connection and the request.
    package init(to address: AdminAddress, _ path: String, posting json: String? = nil, within timeout: Duration = .seconds(5)) throws(AdminFailure) {
        self.address = address
        let deadline = monotonicNow().advanced(by: timeout)
        descriptor = try address.connect(until: deadline)
        var request = "\(json == nil ? "GET" : "POST") \(path) HTTP/1.1\r\nHost: \(address.host)\r\nConnection: close\r\n"
        if let json { request += "Content-Type: application/json\r\nContent-Length: \(json.utf8.count)\r\n" }
        try send(Array("\(request)\r\n\(json ?? "")".utf8), within: timeout, until: deadline)
    }

    deinit { close(descriptor) }

    private func send(_ bytes: [UInt8], within timeout: Duration, until deadline: UInt64) throws(AdminFailure) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            if count > 0 {
                rest = rest.dropFirst(count)
            } else if count < 0, errno == EAGAIN {
                guard wait(descriptor, for: POLLOUT, until: deadline) else { throw .timedOut(address, after: timeout) }
            } else if count == 0 || errno != EINTR {
                // A refusal may be there already.
                return
            }
        }
    }

    /// Nil until it has come.
    package var status: Int? { reader.status }
    package var isOver: Bool { reader.isOver }

    /// Takes what has arrived, in a bounded number of steps: what a service sends may hold nothing of its response.
    /// - Returns: content, empty where none has come; nil at the response's end.
    package func receive() throws(AdminFailure) -> [UInt8]? {
        var content: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        for _ in 0..<Self.steps where !reader.isOver {
            let count = unsafe chunk.withUnsafeMutableBytes { unsafe recv(descriptor, $0.baseAddress, $0.count, 0) }
            if count < 0, errno == EINTR || errno == EAGAIN { return content }
            do throws(ResponseReader.Malformed) {
                if count > 0 { content += try reader.take(chunk.prefix(count)) } else { try reader.end() }
            } catch {
                throw failure(error)
            }
        }
        return content.isEmpty && reader.isOver ? nil : content
    }

    private func failure(_ error: ResponseReader.Malformed) -> AdminFailure {
        switch error {
        case .notHTTP: .notHTTP(address)
        case .tooLong: .tooLong(address)
        case .cutShort: .brokenOff(address)
        }
    }

    /// Takes the lines that have arrived whole, without their ends: of newline-delimited JSON or of server-sent events.
    /// - Returns: nil at the response's end.
    package func receiveLines() throws(AdminFailure) -> [String]? {
        guard let content = try receive() else {
            guard !line.isEmpty else { return nil }
            defer { line = [] }
            return [text(line[...])]
        }
        line += content
        guard let last = line.lastIndex(of: 0x0A) else {
            if line.count > Self.lineLimit { throw .tooLong(address) }
            return []
        }
        let lines = line[...last].split(separator: 0x0A, omittingEmptySubsequences: false).dropLast().map(text)
        line.removeFirst(last + 1)
        return lines
    }

    private func text(_ line: ArraySlice<UInt8>) -> String { String(decoding: line.last == 0x0D ? line.dropLast() : line, as: UTF8.self) }
}

extension UInt64 {
    /// Nanoseconds, without an overflow.
    func advanced(by time: Duration) -> UInt64 {
        let (seconds, attoseconds) = time.components
        let (whole, overflows) = UInt64(clamping: seconds).multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, overflowsToo) = addingReportingOverflow(whole)
        return overflows || overflowsToo ? .max : sum.addingReportingOverflow(UInt64(clamping: attoseconds / 1_000_000_000)).partialValue
    }
}
#endif
