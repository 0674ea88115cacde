// Asks a service over its control socket or its admin address, and waits for the answer. For the command's verbs; several services at a time:
// AdminStream.
// Process: any other than a service's · Thread: main

#if Command
import Glibc

package struct AdminClient {
    package let address: AdminAddress
    /// How long to wait for an answer; with `lines`, for the next of its bytes. Nil waits for ever.
    package var timeout: Duration?

    /// An answer that is taken whole is no longer.
    private static let contentLimit = 64 << 20

    package init(_ address: AdminAddress, timeout: Duration? = .seconds(10)) {
        self.address = address
        self.timeout = timeout
    }

    package func get(_ path: String) throws(AdminFailure) -> (status: Int, body: [UInt8]) {
        try whole(AdminStream(to: address, path, within: timeout ?? .seconds(10)))
    }

    package func post(_ path: String, json: String) throws(AdminFailure) -> (status: Int, body: [UInt8]) {
        try whole(AdminStream(to: address, path, posting: json, within: timeout ?? .seconds(10)))
    }

    /// The lines of an answer as they come.
    /// - Parameters:
    ///   - json: a POST with this content, where there is one; else a GET.
    ///   - each: false for no more of them.
    /// - Throws: ``AdminFailure/status(_:_:)`` for a status that isn't 200, among others.
    package func lines(_ path: String, posting json: String? = nil, _ each: (String) -> Bool) throws(AdminFailure) {
        let stream = try AdminStream(to: address, path, posting: json, within: timeout ?? .seconds(10))
        while true {
            try awaitInput(of: stream, until: deadline)
            guard let lines = try stream.receiveLines() else { break }
            if let status = stream.status, status != 200 {
                let rest = try content(of: stream)
                throw .status(status, lines.first ?? Self.firstLine(of: rest))
            }
            for line in lines where !each(line) { return }
        }
        if let status = stream.status, status != 200 { throw .status(status, "") }
    }

    private static func firstLine(of content: [UInt8]) -> String {
        String(decoding: content.prefix { $0 != 0x0A && $0 != 0x0D }.prefix(400), as: UTF8.self)
    }

    private var deadline: UInt64 { timeout.map { monotonicNow().advanced(by: $0) } ?? .max }

    private func whole(_ stream: AdminStream) throws(AdminFailure) -> (status: Int, body: [UInt8]) {
        let content = try content(of: stream)
        return (stream.status ?? 0, content)
    }

    private func content(of stream: AdminStream) throws(AdminFailure) -> [UInt8] {
        let deadline = deadline
        var content: [UInt8] = []
        while true {
            try awaitInput(of: stream, until: deadline)
            guard let more = try stream.receive() else { return content }
            content += more
            if content.count > Self.contentLimit { throw .tooLong(address) }
        }
    }

    private func awaitInput(of stream: AdminStream, until deadline: UInt64) throws(AdminFailure) {
        guard !stream.isOver, !wait(stream.descriptor, for: POLLIN, until: deadline) else { return }
        throw .timedOut(address, after: timeout ?? .zero)
    }
}
#endif
