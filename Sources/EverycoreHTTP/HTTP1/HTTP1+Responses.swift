// Responses in, bytes out: what a request decides about its response's framing and about the connection, and the content of a
// response that comes piece by piece. No I/O.
// Process: worker · Thread: loop

extension HTTP1 {
    /// Appends a response, with its content where that is in memory.
    /// - Parameter keeps: whether the server lets the connection go on.
    package static func append(
        _ response: CheckedResponse, to facts: HeadFacts, keeps: Bool, with encoder: borrowing ResponseEncoder, _ output: inout OutputBuffer
    ) -> ResponseEncoder.Outcome {
        encoder.append(response, for: request(facts, keeps: keeps), to: &output)
    }

    static func request(_ facts: HeadFacts, keeps: Bool) -> ResponseEncoder.Request {
        ResponseEncoder.Request(minorVersion: Int(facts.minorVersion), isHead: facts.method == .head, keepsConnection: keeps && facts.keepAlive)
    }

    /// How the content of a response is framed that comes piece by piece.
    package enum ContentFraming: Equatable {
        case omitted
        case length(remaining: UInt64)
        case chunked
        case untilClose

        /// - Parameter length: as it was announced.
        init(_ body: ResponseEncoder.Outcome.Body, length: UInt64?) {
            self =
                switch body {
                case .omitted: .omitted
                case .chunked: .chunked
                case .identity: length.map { .length(remaining: $0) } ?? .untilClose
                }
        }

        /// Appends a piece; bytes beyond the announced length are dropped.
        /// - Returns: how much of it was appended.
        @discardableResult
        package mutating func append(_ bytes: RawSpan, with encoder: borrowing ResponseEncoder, _ output: inout OutputBuffer) -> UInt64 {
            guard !bytes.isEmpty else { return 0 }
            switch self {
            case .omitted: return 0
            case .length(let remaining):
                let count = min(UInt64(bytes.byteCount), remaining)
                guard count > 0 else { return 0 }
                output.append(bytes.extracting(first: Int(count)))
                self = .length(remaining: remaining - count)
                return count
            case .chunked: encoder.appendChunk(bytes, to: &output)
            case .untilClose: output.append(bytes)
            }
            return UInt64(bytes.byteCount)
        }

        /// Appends the content's end. False where content that was announced is missing: only a close tells the client.
        package func end(with encoder: borrowing ResponseEncoder, _ output: inout OutputBuffer) -> Bool {
            switch self {
            case .length(let remaining): return remaining == 0
            case .chunked: encoder.appendLastChunk(to: &output)
            case .omitted, .untilClose: break
            }
            return true
        }
    }
}
