// Bytes that arrived, or that are being made: memory with a fixed or growing size, read with a check at every access.
// Master and workers. Confines the raw pointers of messages: what leaves it is checked against the size, so that no number
// in a packet, however wrong, reads elsewhere.

/// Bytes of a fixed count, shared by their readers.
@safe package final class ByteStorage {
    package let count: Int
    private let base: UnsafeMutableRawPointer

    /// Zeroed.
    package init(count: Int) {
        self.count = max(count, 0)
        unsafe base = .allocate(byteCount: max(count, 8), alignment: 8)
        unsafe base.initializeMemory(as: UInt8.self, repeating: 0, count: max(count, 8))
    }

    package convenience init(copying bytes: [UInt8]) {
        self.init(count: bytes.count)
        unsafe bytes.withUnsafeBytes { unsafe base.copyMemory(from: $0.baseAddress ?? UnsafeRawPointer(base), byteCount: $0.count) }
    }

    deinit { unsafe base.deallocate() }

    /// For system calls that fill it.
    func withUnsafeMutableBytes<Result>(_ body: (UnsafeMutableRawBufferPointer) -> Result) -> Result {
        unsafe body(UnsafeMutableRawBufferPointer(start: base, count: count))
    }

    /// 0 outside.
    @inline(__always)
    func byte(_ offset: Int) -> UInt8 {
        guard UInt(bitPattern: offset) < UInt(bitPattern: count) else { return 0 }
        return unsafe base.load(fromByteOffset: offset, as: UInt8.self)
    }

    /// Little-endian; 0 outside.
    @inline(__always)
    func number<Number: FixedWidthInteger>(_ offset: Int, as type: Number.Type) -> Number {
        guard offset >= 0, MemoryLayout<Number>.size <= count, offset <= count - MemoryLayout<Number>.size else { return 0 }
        return unsafe Number(littleEndian: base.loadUnaligned(fromByteOffset: offset, as: Number.self))
    }

    /// Cut to what is there.
    @inline(__always)
    func withBytes<Result>(_ range: Range<Int>, _ body: (UnsafeBufferPointer<UInt8>) throws -> Result) rethrows -> Result {
        let range = range.clamped(to: 0..<count)
        let start = unsafe (base + range.lowerBound).assumingMemoryBound(to: UInt8.self)
        return try unsafe body(UnsafeBufferPointer(start: start, count: range.count))
    }

    func array(_ range: Range<Int>) -> [UInt8] { unsafe withBytes(range) { unsafe Array($0) } }
    func text(_ range: Range<Int>) -> String { unsafe withBytes(range) { unsafe String(decoding: $0, as: UTF8.self) } }

    /// Nil when it is not UTF-8.
    @inline(__always)
    func validText(_ range: Range<Int>) -> String? {
        unsafe withBytes(range) { unsafe String(validating: $0, as: UTF8.self) }
    }

    @inline(__always)
    func isText(_ range: Range<Int>) -> Bool {
        unsafe withBytes(range) { bytes in
            var all: UInt8 = 0
            for index in 0..<bytes.count { unsafe all |= bytes[index] }
            return unsafe all < 0x80 || (try? UTF8Span(validating: bytes.span)) != nil
        }
    }

    @inline(__always)
    func holds(_ text: String, in range: Range<Int>) -> Bool {
        var text = text
        return unsafe withBytes(range) { bytes in
            text.withUTF8 { wanted in
                guard wanted.count == bytes.count else { return false }
                for index in 0..<wanted.count {
                    if unsafe wanted[index] != bytes[index] { return false }
                }
                return true
            }
        }
    }
}

/// Bytes that grow at their end. The memory is kept from one use to the next.
@safe final class GrowingBytes {
    @exclusivity(unchecked) private(set) var count = 0
    @exclusivity(unchecked) private var capacity: Int
    @exclusivity(unchecked) private var base: UnsafeMutableRawPointer

    init(capacity: Int = 256) {
        unsafe self.capacity = capacity
        unsafe base = .allocate(byteCount: capacity, alignment: 8)
    }

    deinit { unsafe base.deallocate() }

    @inline(__always)
    func reserve(_ more: Int) {
        if unsafe more > capacity &- count { grow(more) }
    }

    @inline(never)
    private func grow(_ more: Int) {
        let wanted = unsafe max(capacity * 2, count + more)
        let larger = UnsafeMutableRawPointer.allocate(byteCount: wanted, alignment: 8)
        unsafe larger.copyMemory(from: base, byteCount: count)
        unsafe base.deallocate()
        unsafe base = larger
        unsafe capacity = wanted
    }

    @inline(__always)
    func append(_ byte: UInt8) {
        reserve(1)
        unsafe base.storeBytes(of: byte, toByteOffset: count, as: UInt8.self)
        unsafe count &+= 1
    }

    /// Little-endian.
    @inline(__always)
    func append<Number: FixedWidthInteger>(number: Number) {
        reserve(MemoryLayout<Number>.size)
        unsafe base.storeBytes(of: number.littleEndian, toByteOffset: count, as: Number.self)
        unsafe count &+= MemoryLayout<Number>.size
    }

    @inline(__always)
    func append(_ bytes: UnsafeRawBufferPointer) {
        guard let start = bytes.baseAddress, bytes.count > 0 else { return }
        reserve(bytes.count)
        unsafe (base + count).copyMemory(from: start, byteCount: bytes.count)
        unsafe count &+= bytes.count
    }

    func append(_ bytes: [UInt8]) { unsafe bytes.withUnsafeBytes { unsafe append($0) } }

    @inline(__always)
    func append(text: String) {
        var text = text
        text.withUTF8 { unsafe append(UnsafeRawBufferPointer($0)) }
    }

    /// Overwrites what is there already.
    @inline(__always)
    func replace(at offset: Int, with number: UInt32) {
        guard offset >= 0, unsafe offset <= count - 4 else { return }
        unsafe base.storeBytes(of: number.littleEndian, toByteOffset: offset, as: UInt32.self)
    }

    /// Empty again; large memory is given back.
    func reset(keeping limit: Int) {
        unsafe count = 0
        guard unsafe capacity > limit else { return }
        unsafe base.deallocate()
        unsafe capacity = 256
        unsafe base = .allocate(byteCount: capacity, alignment: 8)
    }

    func remove(from offset: Int) { unsafe count = unsafe min(max(offset, 0), count) }

    var bytes: [UInt8] { unsafe withBytes { unsafe Array($0) } }

    func bytes(from offset: Int) -> [UInt8] {
        unsafe withBytes { unsafe Array($0[min(max(offset, 0), $0.count)...]) }
    }

    @inline(__always)
    func withBytes<Result>(_ body: (UnsafeBufferPointer<UInt8>) throws -> Result) rethrows -> Result {
        try unsafe body(UnsafeBufferPointer(start: base.assumingMemoryBound(to: UInt8.self), count: count))
    }

    @inline(__always)
    func withSpan(_ body: (Span<UInt8>) throws(MessageError) -> Void) throws(MessageError) {
        let bytes = unsafe UnsafeBufferPointer(start: base.assumingMemoryBound(to: UInt8.self), count: count)
        try body(unsafe bytes.span)
    }
}
