// Responses, or their beginnings, that are sent again and again: laid out once, anew when their Date changes, then copied whole.
// Owned by the encoder. Bounded: two that fall on one place take turns in it, and cost what they would cost without. Touches raw memory.
// Process: worker · Thread: loop

/// Bytes by what they were made of: a status, a content type and, for a whole response, a text. Both are constants of the program,
/// so that their addresses say what they are.
@safe
struct ResponseTemplates: ~Copyable {
    struct Key: Equatable {
        let status: Int
        let type: UInt
        let text: UInt
        let textCount: Int

        /// Nil for a literal without an address.
        @inline(__always)
        init?(_ status: Int, _ type: StaticString?, _ text: StaticString? = nil) {
            self.status = status
            if let type {
                guard type.hasPointerRepresentation else { return nil }
                self.type = unsafe UInt(bitPattern: type.utf8Start)
            } else {
                self.type = 0
            }
            if let text {
                guard text.hasPointerRepresentation else { return nil }
                self.text = unsafe UInt(bitPattern: text.utf8Start)
                textCount = text.utf8CodeUnitCount
            } else {
                (self.text, textCount) = (0, -1)
            }
        }

        private init() { (status, type, text, textCount) = (0, 0, 0, 0) }
        static var unused: Key { Key() }

        @inline(__always)
        var place: Int {
            let mixed = type &+ text &* 31 &+ UInt(bitPattern: status) &* 0x9E37
            return Int(truncatingIfNeeded: (mixed &* 0x9E37_79B9_7F4A_7C15) &>> 58)
        }
    }

    private struct Entry: ~Copyable {
        var key = Key.unused
        var second = Int64.min
        /// Bytes before the content.
        var headCount = 0
        var bytes = OutputBuffer(keptCapacity: 8192)
    }

    private static var places: Int { 64 }
    private let entries: UnsafeMutablePointer<Entry>

    init() {
        unsafe entries = .allocate(capacity: Self.places)
        for place in 0..<Self.places { unsafe entries.advanced(by: place).initialize(to: Entry()) }
    }

    deinit {
        unsafe entries.deinitialize(count: Self.places)
        unsafe entries.deallocate()
    }

    /// Appends what was made under this key in this second; false where there is nothing.
    /// - Parameter headOnly: leaves the content out.
    @inline(__always)
    func append(_ key: Key, second: Int64, headOnly: Bool = false, to output: inout OutputBuffer) -> Bool {
        let entry = unsafe entries + key.place
        guard unsafe entry.pointee.key == key, unsafe entry.pointee.second == second else { return false }
        unsafe entry.pointee.bytes.withUnsafeBytes { bytes in
            let count = unsafe headOnly ? entry.pointee.headCount : bytes.count
            unsafe output.append(UnsafeRawBufferPointer(start: bytes.baseAddress, count: count))
        }
        return true
    }

    /// Makes anew what stands under a key. `make` appends the bytes and says how many of them come before the content.
    @inline(never)
    func remake<Failure: Error>(_ key: Key, second: Int64, _ make: (inout OutputBuffer) throws(Failure) -> Int) throws(Failure) {
        // Apart from its place: `make` may need a beginning of its own, and have that laid out in the same one.
        var bytes = OutputBuffer(keptCapacity: 8192)
        let headCount = try make(&bytes)
        let entry = unsafe entries + key.place
        unsafe entry.pointee = Entry(key: key, second: second, headCount: headCount, bytes: bytes)
    }
}

/// A 200 whose bytes are laid out once, but for its first lines, in which the date changes: a small file in memory. Immutable.
package final class WholeResponse: Sendable {
    package let fields: PreparedFields
    package let content: [UInt8]
    /// From `Content-Length` to the blank line.
    private let lines: [UInt8]

    package init(fields: PreparedFields, content: [UInt8]) {
        self.fields = fields
        self.content = content
        var output = OutputBuffer()
        output.append(lengthLine: UInt64(content.count))
        output.append(fields.bytes)
        output.append("\r\n")
        lines = unsafe output.withUnsafeBytes { unsafe Array($0) }
    }

    /// Whether nothing in it replaces what the server writes.
    var isPlain: Bool { !fields.own.hasDate && !fields.own.hasServer && !fields.own.closes }

    /// Appends what follows the first lines.
    @inline(__always)
    func append(headOnly: Bool, to output: inout OutputBuffer) {
        output.append(lines)
        if !headOnly { output.append(content) }
    }

    /// The same, laid out anew for a request that wants it otherwise.
    package var checked: CheckedResponse { CheckedResponse(status: 200, prepared: fields, content: .bytes(content)) }
}
