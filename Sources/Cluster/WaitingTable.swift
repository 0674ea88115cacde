// The requests of a worker whose async handlers wait, the oldest ones that there is room for: part of its black box. Written by the worker
// with plain stores, read by the master at any moment.
//
// Each entry is of 128 bytes: the monotonic clock when its request began (0: the entry is free), the endpoint, the number of bytes of the
// description with a mark for a response that has begun, and the beginning of the description.
// Process: any · Thread: loop

internal import Glibc

/// A view: copying it copies the pointer.
@safe
@usableFromInline package struct WaitingTable {
    /// One request that waits, as the worker has described it.
    package struct Entry: Equatable {
        package let since: UInt64
        package let endpoint: UInt64
        package let description: String
        /// Its response has begun: the handler's task makes its content.
        package let isStreaming: Bool
    }

    package static let capacity = 32
    private static let entryByteCount = 128
    private static let textByteCount = entryByteCount - 24
    private static let streamingMark: UInt64 = 1 << 32

    static let byteCount = capacity * entryByteCount

    private let memory: UnsafeMutableRawPointer

    init(at memory: UnsafeMutableRawPointer) { unsafe self.memory = unsafe memory }

    private func words(_ index: Int) -> UnsafeMutablePointer<UInt64> {
        unsafe (memory + index &* Self.entryByteCount).assumingMemoryBound(to: UInt64.self)
    }

    // MARK: The worker

    /// - Parameter index: of a free entry, below ``capacity``.
    package func enter(_ description: RawSpan, endpoint: UInt64, since: UInt64, isStreaming: Bool, at index: Int) {
        let words = unsafe words(index)
        let count = min(description.byteCount, Self.textByteCount)
        unsafe description.withUnsafeBytes { bytes in
            guard let source = bytes.baseAddress else { return }
            unsafe UnsafeMutableRawPointer(words + 3).copyMemory(from: source, byteCount: count)
        }
        unsafe words[1] = endpoint
        unsafe words[2] = UInt64(count) | (isStreaming ? Self.streamingMark : 0)
        unsafe words[0] = since
    }

    /// Frees an entry.
    package func leave(_ index: Int) { unsafe words(index)[0] = 0 }

    // MARK: The master

    /// What waits, in no order. Whatever the worker has left there is shown, and nothing of it is believed.
    package var entries: [Entry] { (0..<Self.capacity).compactMap(entry) }

    private func entry(_ index: Int) -> Entry? {
        let words = unsafe words(index)
        let since = unsafe words[0]
        guard since != 0 else { return nil }
        let (endpoint, mark) = unsafe (words[1], words[2])
        let text = unsafe UnsafeRawBufferPointer(start: words + 3, count: Self.textByteCount)
        let description = unsafe BlackBox.shown(text, count: Int(mark & 0xFF))
        // Another request may have taken the entry meanwhile.
        guard unsafe words[0] == since else { return nil }
        return Entry(since: since, endpoint: endpoint, description: description, isStreaming: mark & Self.streamingMark != 0)
    }

    /// When the oldest of them began; nil where none waits.
    package var oldestSince: UInt64? {
        var oldest = UInt64.max
        for index in 0..<Self.capacity {
            let since = unsafe words(index)[0]
            if since != 0 { oldest = min(oldest, since) }
        }
        return oldest == .max ? nil : oldest
    }
}
