// A growable run of bytes on their way to a socket: appended at the end, consumed from the
// front. A worker has one for the responses of a batch, a connection one for what its socket
// did not take. Touches raw memory.

@safe
package struct OutputBuffer: ~Copyable {
    private var storage: UnsafeMutableRawPointer?
    private var start = 0
    private var end = 0
    /// Bytes of memory held.
    package private(set) var capacity = 0
    /// An empty buffer keeps at most this much memory.
    package let keptCapacity: Int

    /// Takes no memory before the first byte.
    package init(keptCapacity: Int = 65536) { self.keptCapacity = max(keptCapacity, 0) }

    deinit { unsafe storage?.deallocate() }

    /// Bytes that wait.
    package var count: Int { end &- start }
    package var isEmpty: Bool { start == end }

    /// The bytes that wait, for `write(2)`.
    @inline(__always)
    package func withUnsafeBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try unsafe body(waiting)
    }

    /// The same, until the next change.
    @inline(__always)
    var waiting: UnsafeRawBufferPointer {
        unsafe UnsafeRawBufferPointer(start: storage.map { unsafe UnsafeRawPointer($0) + start }, count: count)
    }

    // MARK: Appending

    package mutating func append(_ bytes: RawSpan) {
        unsafe bytes.withUnsafeBytes { unsafe append($0) }
    }

    package mutating func append(_ bytes: [UInt8]) {
        unsafe bytes.withUnsafeBytes { unsafe append($0) }
    }

    package mutating func append(_ text: StaticString) {
        unsafe append(text.rawBytes)
    }

    /// Labelled, so that a literal is a StaticString and not a String made at run time.
    package mutating func append(utf8 text: String) {
        append(unsafe text.utf8Span.span.bytes)
    }

    package mutating func append(byte: UInt8) {
        reserve(1)
        unsafe storage?.storeBytes(of: byte, toByteOffset: end, as: UInt8.self)
        end &+= 1
    }

    /// `Content-Length: ` with the number and a CRLF.
    mutating func append(lengthLine length: UInt64) {
        reserve(16 &+ 20 &+ 2)
        guard let storage = unsafe storage else { return }
        let line = unsafe storage + end
        unsafe line.storeBytes(of: Self.contentDash, as: UInt64.self)
        unsafe line.storeBytes(of: Self.lengthColon, toByteOffset: 8, as: UInt64.self)
        let digits = length < 10 ? 1 : length < 100 ? 2 : length < 1000 ? 3 : length < 10_000 ? 4 : Self.digits(length)
        var rest = length
        var position = 16 &+ digits
        unsafe line.storeBytes(of: (0x0A0D as UInt16).littleEndian, toByteOffset: position, as: UInt16.self)
        while position > 16 {
            position &-= 1
            unsafe line.storeBytes(of: UInt8(truncatingIfNeeded: 0x30 &+ rest % 10), toByteOffset: position, as: UInt8.self)
            rest /= 10
        }
        end &+= 16 &+ digits &+ 2
    }

    @inline(never)
    private static func digits(_ number: UInt64) -> Int {
        var (digits, rest) = (1, number / 10)
        while rest > 0 {
            rest /= 10
            digits &+= 1
        }
        return digits
    }

    private static var contentDash: UInt64 { Bytewise.word("Content-").littleEndian }
    private static var lengthColon: UInt64 { Bytewise.word("Length: ").littleEndian }

    package mutating func append(decimal number: UInt64) { append(number, radix: 10) }

    /// In small letters, without a prefix.
    package mutating func append(hexadecimal number: UInt64) { append(number, radix: 16) }

    /// Lets `fill` write up to `count` bytes at the end, and takes over as many as it says that it has written.
    package mutating func appendInPlace(_ count: Int, _ fill: (UnsafeMutableRawBufferPointer) -> Int) -> Int {
        guard count > 0 else { return 0 }
        reserve(count)
        let room = unsafe UnsafeMutableRawBufferPointer(start: storage?.advanced(by: end), count: count)
        let written = unsafe min(max(fill(room), 0), count)
        end &+= written
        return written
    }

    /// Moves all of the other's bytes to the end of this one.
    package mutating func append(moving other: inout OutputBuffer) {
        unsafe other.withUnsafeBytes { unsafe append($0) }
        other.removeAll()
    }

    @inline(__always)
    mutating func append(_ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress, bytes.count > 0 else { return }
        reserve(bytes.count)
        unsafe storage?.advanced(by: end).copyMemory(from: source, byteCount: bytes.count)
        end &+= bytes.count
    }

    @inline(__always)
    private mutating func append(_ number: UInt64, radix: UInt64) {
        var digits = 1
        var rest = number / radix
        while rest > 0 {
            rest /= radix
            digits &+= 1
        }
        reserve(digits)
        rest = number
        var position = end &+ digits
        end = position
        while position > end &- digits {
            position &-= 1
            let digit = UInt8(truncatingIfNeeded: rest % radix)
            rest /= radix
            unsafe storage?.storeBytes(of: digit &+ (digit < 10 ? 0x30 : 0x57), toByteOffset: position, as: UInt8.self)
        }
    }

    /// Makes room for that many more bytes.
    @inline(__always)
    package mutating func reserve(_ bytes: Int) {
        if bytes > capacity &- end { makeRoom(bytes) }
    }

    @inline(never)
    private mutating func makeRoom(_ bytes: Int) {
        let waiting = count
        let needed = waiting &+ bytes
        // Moving to the front pays only where it frees at least as much as it moves.
        if let storage = unsafe storage, needed <= capacity, start >= waiting {
            unsafe storage.copyMemory(from: storage + start, byteCount: waiting)
        } else {
            let larger = max(needed, capacity &* 2, 512)
            let memory = UnsafeMutableRawPointer.allocate(byteCount: larger, alignment: 16)
            if let storage = unsafe storage {
                unsafe memory.copyMemory(from: storage + start, byteCount: waiting)
                unsafe storage.deallocate()
            }
            unsafe storage = memory
            capacity = larger
        }
        start = 0
        end = waiting
    }

    // MARK: Consuming

    /// Drops the first `bytes` bytes (at most all of them), which have been written.
    @inline(__always)
    package mutating func consume(_ bytes: Int) {
        if bytes >= count { return removeAll() }
        start &+= max(bytes, 0)
    }

    /// Drops everything, and memory beyond `keptCapacity`.
    @inline(__always)
    package mutating func removeAll() {
        start = 0
        end = 0
        if capacity > keptCapacity { freeMemory() }
    }

    @inline(never)
    private mutating func freeMemory() {
        unsafe storage?.deallocate()
        unsafe storage = nil
        capacity = 0
    }
}
