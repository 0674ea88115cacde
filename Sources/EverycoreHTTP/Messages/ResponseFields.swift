// A handler's response fields: checked before anything is written, so that no text of a handler
// can end a line or a head (response splitting). Runs in workers.

struct ResponseFields {
    private(set) var hasDate = false
    private(set) var hasServer = false
    private(set) var hasContentType = false
    private(set) var closes = false

    init() {}

    /// Refuses names that are no tokens, values with control bytes, and fields that frame the message.
    init(checking fields: [(name: String, value: String)]) throws(ResponseEncoder.Failure) {
        for (name, value) in fields {
            let bytes = unsafe name.utf8Span.span.bytes
            guard !bytes.isEmpty, bytes.consists(of: .token, from: 0, to: bytes.byteCount) else {
                throw .invalidFieldName(name)
            }
            guard Self.isValue(value) else { throw .invalidFieldValue(name: name) }
            if Self.isReserved(bytes) { throw .reservedField(name) }
            if Self.name(bytes, is: "date") { hasDate = true }
            if Self.name(bytes, is: "server") { hasServer = true }
            if Self.name(bytes, is: "content-type") { hasContentType = true }
            if Self.name(bytes, is: "connection") {
                let list = unsafe value.utf8Span.span.bytes
                var elements = ListElements(ByteRange(0, list.byteCount))
                while let option = elements.next(in: list) {
                    if list.range(option, equals: "close") { closes = true }
                }
            }
        }
    }

    /// Writes fields that were checked. Of `Connection`, what the server decides is left out.
    static func append(_ fields: [(name: String, value: String)], to output: inout OutputBuffer) {
        for (name, value) in fields {
            if Self.name(unsafe name.utf8Span.span.bytes, is: "connection") {
                appendConnection(unsafe value.utf8Span.span.bytes, to: &output)
                continue
            }
            output.append(utf8: name)
            output.append(": ")
            output.append(utf8: value)
            output.append("\r\n")
        }
    }

    /// No CR, LF, NUL or other control byte but the tab (RFC 9110 §5.5).
    static func isValue(_ text: String) -> Bool {
        let bytes = unsafe text.utf8Span.span.bytes
        return bytes.firstControl(from: 0, to: bytes.byteCount) == bytes.byteCount
    }

    private static func appendConnection(_ list: RawSpan, to output: inout OutputBuffer) {
        var elements = ListElements(ByteRange(0, list.byteCount))
        while let option = elements.next(in: list) {
            if list.range(option, equals: "close") || list.range(option, equals: "keep-alive") { continue }
            output.append("Connection: ")
            output.append(list.extracting(Int(option.start)..<Int(option.end)))
            output.append("\r\n")
        }
    }

    private static func name(_ bytes: RawSpan, is text: StaticString) -> Bool {
        unsafe bytes.equalsIgnoringCase(text.rawBytes.bytes)
    }

    private static func isReserved(_ bytes: RawSpan) -> Bool {
        name(bytes, is: "content-length") || name(bytes, is: "transfer-encoding")
            || name(bytes, is: "keep-alive") || name(bytes, is: "proxy-connection")
    }
}
