// Input that is read 16 bytes at a time without a look at where it ends. Touches raw memory.
// Process: worker · Thread: loop

import CEverycoreScan

/// A view of bytes with `padding` readable ones behind them, the first of which is zero: no class of bytes has it, so that each
/// scan stops there. Offsets that are passed in are from 0 to `count`.
@safe
package struct PaddedBytes {
    let start: UnsafeRawPointer
    package let count: Int

    /// How many bytes may be read behind the end.
    package static var padding: Int { 16 }

    /// Writes the zero. `start` has room for `count + padding` bytes, which outlive the view and stay as they are.
    @inline(__always)
    package init(_ start: UnsafeMutableRawPointer, count: Int) {
        unsafe self.start = UnsafeRawPointer(start)
        self.count = count
        unsafe start.storeBytes(of: 0, toByteOffset: count, as: UInt8.self)
    }

    /// The bytes without their padding.
    var buffer: UnsafeRawBufferPointer { unsafe UnsafeRawBufferPointer(start: start, count: count) }

    @inline(__always)
    func byte(_ offset: Int) -> UInt8 {
        assert(offset >= 0 && offset < count &+ Self.padding)
        return unsafe start.load(fromByteOffset: offset, as: UInt8.self)
    }

    @inline(__always)
    func word<Word: FixedWidthInteger & BitwiseCopyable>(_ offset: Int, as type: Word.Type = UInt64.self) -> Word {
        assert(offset >= 0 && offset &+ MemoryLayout<Word>.size <= count &+ Self.padding)
        return unsafe Word(littleEndian: start.loadUnaligned(fromByteOffset: offset, as: Word.self))
    }

    /// Whether a percent sign at `offset` is followed by two hexadecimal digits.
    @inline(__always)
    func isEscape(at offset: Int) -> Bool {
        ByteClass.hexadecimal.contains(byte(offset &+ 1)) && ByteClass.hexadecimal.contains(byte(offset &+ 2))
    }

    // MARK: Scans: where the class ends that begins at `offset`

    @inline(__always)
    func endOfName(_ offset: Int) -> Int { unsafe offset &+ everycore_scan_name(start + offset) }

    @inline(__always)
    func endOfValue(_ offset: Int) -> Int { unsafe offset &+ everycore_scan_value(start + offset) }

    @inline(__always)
    func endOfTarget(_ offset: Int) -> Int { unsafe offset &+ everycore_scan_target(start + offset) }

    @inline(__always)
    func endOfHost(_ offset: Int) -> Int { unsafe offset &+ everycore_scan_host(start + offset) }
}
