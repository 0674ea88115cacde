// Writes response heads: status line, Date, framing, persistence, the handler's fields. One per
// worker. What the request allows and what the response is decide the framing together
// (RFC 9112 §6.3, §9.6). Pure: appends to an OutputBuffer.

package struct ResponseEncoder: ~Copyable {
    /// What is known of the length of the content when the head is written.
    package enum Content: Sendable, Equatable {
        /// None at all; `Content-Length: 0` is sent where the status allows content.
        case none
        case length(UInt64)
        /// Chunked to 1.1, ended by the connection's end to 1.0.
        case unknownLength
    }

    /// What the request decides about its response.
    package struct Request: Sendable, Equatable {
        /// 0 or 1.
        package var minorVersion: Int
        package var isHead: Bool
        /// Whether the connection may go on after this response: the client's wish and the server's.
        package var keepsConnection: Bool

        package init(minorVersion: Int, isHead: Bool, keepsConnection: Bool) {
            self.minorVersion = minorVersion
            self.isHead = isHead
            self.keepsConnection = keepsConnection
        }
    }

    /// How the response goes on after its head.
    package struct Outcome: Sendable, Equatable {
        package enum Body: Sendable, Equatable {
            /// Nothing follows (HEAD, 1xx, 204, 304, 205).
            case omitted
            /// The bytes themselves.
            case identity
            /// Through `appendChunk` and `appendLastChunk`.
            case chunked
        }
        package let body: Body
        /// Whether the connection closes after this response.
        package let closes: Bool
    }

    /// A response that can't go on the wire; the client gets a 500, the log this.
    package enum Failure: Error, Sendable, Equatable, CustomStringConvertible {
        case statusOutOfRange(Int)
        case invalidFieldName(String)
        case invalidFieldValue(name: String)
        /// `Content-Length`, `Transfer-Encoding` and the like are the server's to write.
        case reservedField(String)

        package var description: String {
            switch self {
            case .statusOutOfRange(let status): "status \(status) is not between 100 and 599"
            case .invalidFieldName(let name): "the response field name \"\(name)\" is not a token"
            case .invalidFieldValue(let name): "the value of the response field \(name) has a control character"
            case .reservedField(let name): "the response field \(name) is written by the server, not by a handler"
            }
        }
    }

    package private(set) var date = DateLine()
    /// Empty, or the whole line.
    private let serverLine: [UInt8]
    private let templates = ResponseTemplates()
    /// A longer constant is copied from where it is.
    private static var longestTemplate: Int { 8192 }

    /// - Parameter serverName: sent as `Server`; nil, or a text that is no field value, for none.
    package init(serverName: String? = nil) {
        guard let serverName, ResponseFields.isValue(serverName) else {
            serverLine = []
            return
        }
        serverLine = Array("Server: \(serverName)\r\n".utf8)
    }

    /// Makes the `Date` line anew if the second has changed. Call it once per turn of the loop.
    package mutating func updateDate(unixSeconds: Int64) { date.update(unixSeconds: unixSeconds) }

    /// Appends a response's head with its blank line. On an error the buffer is as it was.
    ///
    /// - Parameters:
    ///   - status: from 100 to 599. A 1xx other than 101 is interim: another response follows.
    ///   - contentType: a valid media type, written in the program. One made at run time goes into
    ///     `fields`, where it is checked and takes precedence.
    ///   - fields: of the handler. Its `Date`, `Server` and `Content-Type` replace the server's;
    ///     `close` in its `Connection` closes the connection.
    ///   - prepared: stands in for `fields` where there are none.
    package func appendHead(
        status: Int,
        contentType: StaticString? = nil,
        fields: [(name: String, value: String)] = [],
        prepared: PreparedFields? = nil,
        content: Content,
        for request: Request,
        to output: inout OutputBuffer
    ) throws(Failure) -> Outcome {
        guard status >= 100, status <= 599 else { throw .statusOutOfRange(status) }
        let own = fields.isEmpty ? prepared?.own ?? ResponseFields() : try ResponseFields(checking: fields)
        return appendHead(status, contentType, own, fields, prepared, content, request, &output)
    }

    /// Appends a response: its head, and its content where that is in memory.
    package func append(_ response: CheckedResponse, for request: Request, to output: inout OutputBuffer) -> Outcome {
        let outcome = appendHead(
            response.status, response.contentType, response.own, response.fields, response.prepared, response.length, request, &output)
        guard outcome.body != .omitted else { return outcome }
        switch response.content {
        case .none, .file, .stream: break
        case .constant(let text): output.append(text)
        case .text(let text): output.append(utf8: text)
        case .bytes(let bytes): output.append(bytes)
        }
        return outcome
    }

    private func appendHead(
        _ status: Int, _ contentType: StaticString?, _ own: ResponseFields, _ fields: [(name: String, value: String)],
        _ prepared: PreparedFields?, _ content: Content, _ request: Request, _ output: inout OutputBuffer
    ) -> Outcome {
        let isInterim = status < 200
        let framing = ResponseFraming(status: status, content: content, minorVersion: request.minorVersion)
        let closes = !isInterim && (!request.keepsConnection || own.closes || framing == .connectionEnd)

        appendBeginning(status, contentType, own, to: &output)
        switch framing {
        case .length(let length): output.append(lengthLine: length)
        case .chunked: output.append("Transfer-Encoding: chunked\r\n")
        case .connectionEnd, .noContent: break
        }
        if closes {
            output.append("Connection: close\r\n")
        } else if request.minorVersion == 0, !isInterim {
            output.append("Connection: keep-alive\r\n")
        }
        if !fields.isEmpty {
            ResponseFields.append(fields, to: &output)
        } else if let prepared {
            output.append(prepared.bytes)
        }
        output.append("\r\n")
        return Outcome(body: request.isHead ? .omitted : framing.body(of: content), closes: closes)
    }

    /// Whether a response with this status may have content (RFC 9110 §6.4.1, §15.3.6).
    package static func allowsContent(_ status: Int) -> Bool { status >= 200 && status != 204 && status != 205 && status != 304 }

    /// Appends `HTTP/1.1 100 Continue` with its blank line. For HTTP/1.1 alone.
    package func appendContinue(to output: inout OutputBuffer) {
        output.append("HTTP/1.1 100 Continue\r\n\r\n")
    }

    /// Appends one chunk; nothing when it is empty, since an empty chunk would end the body.
    package func appendChunk(_ bytes: RawSpan, to output: inout OutputBuffer) {
        if bytes.isEmpty { return }
        output.append(hexadecimal: UInt64(bytes.byteCount))
        output.append("\r\n")
        output.append(bytes)
        output.append("\r\n")
    }

    /// Ends a chunked body.
    package func appendLastChunk(to output: inout OutputBuffer) {
        output.append("0\r\n\r\n")
    }

    /// Appends a whole 200 whose text and type are constants of the program, for an HTTP/1.1 request whose connection goes on.
    /// False, with nothing appended, where it isn't worth a template or can't have one.
    @inline(__always)
    package func appendConstant(_ type: StaticString, _ text: StaticString, isHead: Bool, to output: inout OutputBuffer) -> Bool {
        guard let key = ResponseTemplates.Key(200, type, text) else { return false }
        if templates.append(key, second: date.unixSeconds, headOnly: isHead, to: &output) { return true }
        guard key.textCount <= Self.longestTemplate, makeConstant(key, type, text) else { return false }
        return templates.append(key, second: date.unixSeconds, headOnly: isHead, to: &output)
    }

    /// The same for one that was laid out, which is appended as it is.
    @inline(__always)
    package func append(_ whole: WholeResponse, isHead: Bool, to output: inout OutputBuffer) -> Bool {
        guard whole.isPlain else { return false }
        appendBeginning(200, nil, ResponseFields(), to: &output)
        whole.append(headOnly: isHead, to: &output)
        return true
    }

    @inline(never)
    private func makeConstant(_ key: ResponseTemplates.Key, _ type: StaticString, _ text: StaticString) -> Bool {
        let request = Request(minorVersion: 1, isHead: false, keepsConnection: true)
        do throws(Failure) {
            try templates.remake(key, second: date.unixSeconds) { bytes throws(Failure) in
                _ = try appendHead(status: 200, contentType: type, content: .length(UInt64(key.textCount)), for: request, to: &bytes)
                defer { bytes.append(text) }
                return bytes.count
            }
            return true
        } catch {
            return false
        }
    }

    /// Status line, `Date`, `Server` and the content's type.
    @inline(__always)
    private func appendBeginning(_ status: Int, _ type: StaticString?, _ own: ResponseFields, to output: inout OutputBuffer) {
        guard !own.hasDate, !own.hasServer, type == nil || !own.hasContentType, let key = ResponseTemplates.Key(status, type) else {
            return appendLines(status, type, own, to: &output)
        }
        if templates.append(key, second: date.unixSeconds, to: &output) { return }
        templates.remake(key, second: date.unixSeconds) { bytes in
            appendLines(status, type, own, to: &bytes)
            return bytes.count
        }
        if !templates.append(key, second: date.unixSeconds, to: &output) { appendLines(status, type, own, to: &output) }
    }

    @inline(never)
    private func appendLines(_ status: Int, _ type: StaticString?, _ own: ResponseFields, to output: inout OutputBuffer) {
        appendStatusLine(status, to: &output)
        if !own.hasDate { output.append(date.bytes) }
        if !own.hasServer, !serverLine.isEmpty { output.append(serverLine) }
        if let type, !own.hasContentType {
            output.append("Content-Type: ")
            output.append(type)
            output.append("\r\n")
        }
    }

    private func appendStatusLine(_ status: Int, to output: inout OutputBuffer) {
        if let line = StatusLine.text(for: status) { return output.append(line) }
        // The space stays where the phrase is empty (RFC 9112 §4).
        output.append("HTTP/1.1 ")
        output.append(decimal: UInt64(status))
        output.append(" \r\n")
    }
}
