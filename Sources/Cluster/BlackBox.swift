// What a worker was doing, in memory that outlives it: the loop's last sign of life, the request that it is in, and those whose
// handlers wait for something. Written by the worker with plain stores, read by the master when the worker is silent or dead.
//
//   word 0   the monotonic clock at the loop's last sign of life
//   word 1   the monotonic clock when the request began that runs now; 0 between requests
//   word 2   how many bytes that request's description has
//   word 3   how many requests are in flight whose async handlers wait
//   word 4   how many bytes of the reason there are for which the start failed; it stands where the description of a request would
//   word 5   unused
//   word 6   the signal of a crash, bit 16 where another thread than the loop's crashed, and in the upper half the process that sent
//            the signal (0: the worker's own code)
//   word 7   the endpoint of the request that runs now: a number of the service's, opaque here; 0 for none
//   then     that description; of one that doesn't fit its beginning, and the hash of the whole path in the last eight bytes
//   then     the requests that wait (WaitingTable.swift)

internal import CEverycorePosix
internal import Glibc

/// A view: copying it copies the pointer.
@safe
@usableFromInline package struct BlackBox {
    @usableFromInline let words: UnsafeMutablePointer<UInt64>
    private static let headerByteCount = 64
    private static let textByteCount = 232
    /// What there is of a description that doesn't fit.
    private static let cutByteCount = textByteCount - 8

    package static let byteCount = headerByteCount + textByteCount + WaitingTable.byteCount

    /// - Parameter memory: `byteCount` bytes, aligned to 8, that outlive every copy of this view.
    package init(at memory: UnsafeMutableRawPointer) {
        unsafe words = memory.bindMemory(to: UInt64.self, capacity: Self.byteCount / 8)
    }

    private var text: UnsafeMutableRawBufferPointer {
        unsafe UnsafeMutableRawBufferPointer(start: UnsafeMutableRawPointer(words) + Self.headerByteCount, count: Self.textByteCount)
    }

    /// The requests whose async handlers wait.
    package var waitingRequests: WaitingTable {
        unsafe WaitingTable(at: UnsafeMutableRawPointer(words) + Self.headerByteCount + Self.textByteCount)
    }

    /// The loop turns.
    package func beat(now: UInt64) { unsafe words[0] = now }

    /// A request begins, or its async handler goes on: what it is about, cut to what fits.
    package func enter(_ description: RawSpan, now: UInt64) {
        unsafe words[2] = copy(description)
        unsafe words[7] = 0
        unsafe words[1] = now
    }

    /// The request is over, or its handler waits.
    @inlinable package func leave() { unsafe words[1] = 0 }

    /// So many requests wait in their handlers.
    package func setWaiting(_ count: Int) { unsafe words[3] = UInt64(clamping: count) }

    /// The worker can't start for this reason. Nothing runs then or later.
    package func fail(_ reason: String) {
        let bytes = Array(reason.utf8.prefix(Self.textByteCount))
        unsafe bytes.withUnsafeBytes { unsafe text.copyMemory(from: $0) }
        unsafe words[4] = UInt64(bytes.count)
    }

    /// The endpoint of the request that runs now.
    @inlinable package func setEndpoint(_ endpoint: UInt64) { unsafe words[7] = endpoint }

    /// Where the handler of crash signals leaves its mark.
    package var crashWord: UnsafeMutablePointer<UInt64> { unsafe words + 6 }

    @inline(__always)
    private func copy(_ description: RawSpan) -> UInt64 {
        guard description.byteCount <= Self.textByteCount else { return copyLong(description) }
        unsafe description.withUnsafeBytes { bytes in
            guard let source = bytes.baseAddress, let target = unsafe text.baseAddress else { return }
            unsafe target.copyMemory(from: source, byteCount: bytes.count)
        }
        return UInt64(description.byteCount)
    }

    @inline(never)
    private func copyLong(_ description: RawSpan) -> UInt64 {
        unsafe description.withUnsafeBytes { bytes in
            unsafe text.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes.prefix(Self.cutByteCount)))
        }
        unsafe text.storeBytes(of: PathHash.ofPath(in: description), toByteOffset: Self.cutByteCount, as: UInt64.self)
        return UInt64(description.byteCount)
    }

    /// 0 before the first.
    package var lastBeat: UInt64 { unsafe words[0] }

    /// The request that the worker is in, and since when.
    package var current: (description: String, since: UInt64)? {
        let since = unsafe words[1]
        return since == 0 ? nil : (unsafe shown(byteCount: words[2]), since)
    }

    /// The endpoint of the request that the worker is in; 0 where none runs, or it has none.
    package var currentEndpoint: UInt64 { unsafe words[1] == 0 ? 0 : words[7] }

    /// The hash of the path of the request that the worker is in; nil where none runs.
    package var currentPath: UInt64? {
        guard unsafe words[1] != 0 else { return nil }
        let count = unsafe words[2]
        let text = unsafe UnsafeRawBufferPointer(text)
        if count > UInt64(Self.textByteCount) { return unsafe text.load(fromByteOffset: Self.cutByteCount, as: UInt64.self) }
        return unsafe PathHash.ofPath(in: UnsafeRawBufferPointer(rebasing: text.prefix(Int(count))).bytes)
    }

    /// Since when a request runs, and which endpoint: for the handler of crash signals.
    var currentWords: (since: UnsafePointer<UInt64>, endpoint: UnsafePointer<UInt64>) {
        unsafe (UnsafePointer(words + 1), UnsafePointer(words + 7))
    }

    /// The signal that the worker crashes by, from before its descriptors close.
    package var crash: CrashMark? {
        let word = unsafe words[6]
        guard word != 0 else { return nil }
        let isElsewhere = word & UInt64(cposix_crash_in_another_thread) != 0
        return CrashMark(signal: Int32(word & 0xFFFF), sender: Int32(truncatingIfNeeded: word >> 32), isOfLoop: !isElsewhere)
    }

    /// The request to blame for the worker's death or silence: the one that runs, unless another thread crashed beside it.
    package var blamed: (endpoint: UInt64, path: UInt64)? {
        guard let path = currentPath, crash?.isOfLoop != false else { return nil }
        return (currentEndpoint, path)
    }

    /// When the request began that runs now; 0 between requests.
    package var heldSince: UInt64 { unsafe words[1] }

    /// How many requests wait in their handlers.
    package var waiting: Int { unsafe Int(clamping: words[3]) }

    /// When the oldest request began that waits in its handler; 0 before the first.
    package var oldestWaitingSince: UInt64 { unsafe words[4] }

    /// The oldest request that waits in its handler, and since when it is in flight.
    package var oldestWaiting: (description: String, since: UInt64)? {
        guard waiting > 0, let oldest = waitingRequests.entries.min(by: { $0.since < $1.since }) else { return nil }
        return (oldest.description, oldest.since)
    }

    /// Why the worker could not start.
    package var failure: String? {
        let count = unsafe words[4]
        return count == 0 ? nil : shown(byteCount: min(count, UInt64(Self.textByteCount)))
    }

    private func shown(byteCount: UInt64) -> String {
        unsafe Self.shown(UnsafeRawBufferPointer(text), count: byteCount > UInt64(Self.textByteCount) ? Self.cutByteCount : Int(byteCount))
    }

    /// The worker may have died in the middle of a store, and a path may hold anything: only printable ASCII is shown.
    static func shown(_ bytes: UnsafeRawBufferPointer, count: Int) -> String {
        unsafe String(decoding: bytes.prefix(max(count, 0)).map { (0x20..<0x7F).contains($0) ? $0 : UInt8(ascii: "?") }, as: UTF8.self)
    }
}
