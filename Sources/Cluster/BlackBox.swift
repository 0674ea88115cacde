// What a worker was doing, in memory that outlives it: the loop's last sign of life and the request that it is in.
// Written by the worker with plain stores, read by the master when the worker is silent or dead.
//
//   word 0   the monotonic clock at the loop's last sign of life
//   word 1   the monotonic clock when the request began; 0 between requests
//   word 2   how many bytes of the request's description follow

internal import Glibc

/// A view: copying it copies the pointer.
@safe
package struct BlackBox {
    private let words: UnsafeMutablePointer<UInt64>
    private static let headerByteCount = 24
    private static let textByteCount = 232

    package static let byteCount = headerByteCount + textByteCount

    /// - Parameter memory: `byteCount` bytes, aligned to 8, that outlive every copy of this view.
    package init(at memory: UnsafeMutableRawPointer) {
        unsafe words = memory.bindMemory(to: UInt64.self, capacity: Self.byteCount / 8)
    }

    private var text: UnsafeMutableRawBufferPointer {
        unsafe UnsafeMutableRawBufferPointer(
            start: UnsafeMutableRawPointer(words) + Self.headerByteCount, count: Self.textByteCount)
    }

    /// The loop turns.
    package func beat(now: UInt64) { unsafe words[0] = now }

    /// A request begins: its method and path, cut to what fits.
    package func enter(_ description: RawSpan, now: UInt64) {
        let count = min(description.byteCount, Self.textByteCount)
        unsafe description.withUnsafeBytes { bytes in
            unsafe text.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes.prefix(count)))
        }
        unsafe words[2] = UInt64(count)
        unsafe words[1] = now
    }

    /// The request is over.
    package func leave() { unsafe words[1] = 0 }

    /// 0 before the first.
    package var lastBeat: UInt64 { unsafe words[0] }

    /// The request that the worker is in, and since when.
    package var current: (description: String, since: UInt64)? {
        let since = unsafe words[1]
        guard since != 0 else { return nil }
        let count = unsafe Int(clamping: min(words[2], UInt64(Self.textByteCount)))
        // The worker may have died in the middle of a store, and a path may hold anything: only printable ASCII is shown.
        var shown = ""
        for index in 0..<count {
            let byte = unsafe text[index]
            shown.unicodeScalars.append((0x20..<0x7F).contains(byte) ? Unicode.Scalar(byte) : "?")
        }
        return (shown, since)
    }
}
