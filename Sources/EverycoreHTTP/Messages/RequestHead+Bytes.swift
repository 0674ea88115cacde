// Reading a head's bytes: path, query, fields by name. Spans point into the input buffer (or the
// head's own copy) and end with the closure. Runs in workers, from handlers. Touches raw memory.

extension RequestHead {
    /// The bytes of a range of this head; an empty span where no bytes are attached.
    @inlinable
    package func withBytes<Result, Failure: Error>(
        _ range: ByteRange, _ body: (RawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        guard let base = unsafe base, range.start <= range.end, unsafe Int(range.end) <= attachedCount else {
            return try body(RawSpan())
        }
        let bytes = unsafe UnsafeRawBufferPointer(start: base + Int(range.start), count: range.count)
        return try unsafe body(bytes.bytes)
    }

    /// The path as sent, percent-encoded, without the query.
    @inlinable
    package func withPath<Result, Failure: Error>(
        _ body: (RawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try withBytes(facts.path, body)
    }

    /// Method, a space and path, for logs; and the path by itself. An absolute target, which is between them in HTTP/1, is shown whole.
    @inlinable @inline(__always)
    package func withMethodAndPath<Result>(_ body: (_ line: RawSpan, _ path: RawSpan) -> Result) -> Result {
        let (method, path) = (facts.methodRange, facts.path)
        guard facts.target.start == method.end &+ 1, path.start >= facts.target.start else {
            return unsafe body((bytes(method) + [0x20] + bytes(path)).span.bytes, bytes(path).span.bytes)
        }
        return withBytes(ByteRange(method.start, path.end)) { body($0, $0.extracting(last: path.count)) }
    }

    @usableFromInline
    func bytes(_ range: ByteRange) -> [UInt8] { withBytes(range) { unsafe $0.withUnsafeBytes { unsafe Array($0) } } }

    /// The range's bytes as text; bytes that aren't UTF-8 come as U+FFFD.
    package func string(of range: ByteRange) -> String {
        withBytes(range) { bytes in
            unsafe bytes.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
        }
    }

    package var path: String { string(of: facts.path) }
    package var query: String? { queryRange.map { string(of: $0) } }
    package var authority: String? { authorityRange.map { string(of: $0) } }
    package var methodName: String { string(of: facts.methodRange) }

    /// The value of the first end-to-end field of that name (any case).
    package func value(of name: StaticString) -> String? {
        firstField(named: name).map { string(of: $0.value) }
    }

    /// The value of the first end-to-end field of that name (any case).
    package func value(of name: String) -> String? {
        unsafe firstField(named: name.utf8Span.span.bytes).map { string(of: $0.value) }
    }

    /// The values of all end-to-end fields of that name (any case), in order.
    package func values(of name: String) -> [String] {
        let wanted = unsafe name.utf8Span.span.bytes
        var values: [String] = []
        for index in 0..<fieldCount {
            guard let field = field(at: index), !field.isHopByHop, isNamed(field, wanted) else { continue }
            values.append(string(of: field.value))
        }
        return values
    }

    /// The first end-to-end field of that name (any case). With `includingHopByHop`, also one that
    /// `Connection` names, such as `Upgrade`.
    package func firstField(named name: StaticString, includingHopByHop: Bool = false) -> FieldRange? {
        unsafe firstField(named: name.rawBytes.bytes, includingHopByHop: includingHopByHop)
    }

    package func firstField(named name: RawSpan, includingHopByHop: Bool = false) -> FieldRange? {
        var index = 0
        while index < fieldCount {
            let field = unsafe fieldStorage[index]
            if field.name.count == name.byteCount, includingHopByHop || !field.isHopByHop, isNamed(field, name) {
                return field
            }
            index &+= 1
        }
        return nil
    }

    private func isNamed(_ field: FieldRange, _ name: RawSpan) -> Bool {
        withBytes(field.name) { $0.equalsIgnoringCase(name) }
    }
}
