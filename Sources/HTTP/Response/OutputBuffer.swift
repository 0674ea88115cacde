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

    package mutating func append(_ bytes: RawSpan) {}
    package mutating func append(_ bytes: [UInt8]) { unsafe append(bytes.span.bytes) }
    package mutating func append(_ text: StaticString) {}
    /// Its UTF-8 bytes.
    package mutating func append(_ text: String) {}
    package mutating func append(byte: UInt8) {}
    package mutating func append(decimal number: UInt64) {}
    package mutating func append(hexadecimal number: UInt64) {}

    /// The bytes that wait, for `write(2)`.
    package func withUnsafeBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try unsafe body(UnsafeRawBufferPointer(start: storage.map { unsafe UnsafeRawPointer($0) + start }, count: count))
    }

    /// Drops the first `bytes` bytes (at most all of them), which have been written.
    package mutating func consume(_ bytes: Int) {}
    /// Drops everything.
    package mutating func removeAll() {}
    /// Drops what was appended since `count` was this.
    package mutating func truncate(to count: Int) {}
    /// Makes room for that many more bytes.
    package mutating func reserve(_ bytes: Int) {}
    /// Moves all of the other's bytes to the end of this one.
    package mutating func append(moving other: inout OutputBuffer) {}
}
