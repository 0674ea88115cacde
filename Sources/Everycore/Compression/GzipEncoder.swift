// gzip (RFC 1952) by zlib. Memory as zlib's manual counts it: 2^(window + 2) + 2^(memory level + 9) bytes and 6 KiB.
//
// Runs in the workers, on the loop's thread. Owned by the response compressor or by one streamed response.

internal import CEverycoreZlib

@safe final class GzipEncoder: ContentEncoder {
    /// zlib's state refers to it by its address.
    private let stream: UnsafeMutablePointer<z_stream>

    /// 262 KiB for whole contents; 102 KiB for a stream, whose window is 8 KiB.
    init?(level: Int32, for use: EncoderUse) {
        let window: Int32
        let memory: Int32
        switch use {
        case .whole: (window, memory) = (15, 8)
        case .stream: (window, memory) = (13, 7)
        }
        unsafe stream = .allocate(capacity: 1)
        unsafe stream.initialize(to: z_stream())
        // 16 more asks for gzip's header and trailer.
        let status = unsafe deflateInit2_(
            stream, level, Z_DEFLATED, window + 16, memory, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
            Int32(MemoryLayout<z_stream>.size))
        // deinit runs for an object whose init returns nil once all properties are set: deflateEnd takes a stream without state.
        guard status == Z_OK else { return nil }
    }

    deinit {
        _ = unsafe deflateEnd(stream)
        unsafe stream.deallocate()
    }

    func encode(_ input: RawSpan, isLast: Bool, into output: inout [UInt8]) -> Bool {
        guard let count = UInt32(exactly: input.byteCount) else { return false }
        return unsafe input.withUnsafeBytes { source in
            unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 16384) { room in
                let address = unsafe source.baseAddress?.assumingMemoryBound(to: UInt8.self)
                unsafe stream.pointee.next_in = UnsafeMutablePointer(mutating: address)
                unsafe stream.pointee.avail_in = count
                while true {
                    unsafe stream.pointee.next_out = room.baseAddress
                    unsafe stream.pointee.avail_out = UInt32(room.count)
                    let status = unsafe deflate(stream, isLast ? Z_FINISH : Z_SYNC_FLUSH)
                    // Z_BUF_ERROR: nothing is left to do.
                    guard status == Z_OK || status == Z_STREAM_END || status == Z_BUF_ERROR else { return false }
                    let left = Int(unsafe stream.pointee.avail_out)
                    unsafe output.append(contentsOf: room[..<max(room.count - left, 0)])
                    if status == Z_STREAM_END { return true }
                    if left > 0 { return !isLast }
                }
            }
        }
    }

    func reset() -> Bool { unsafe deflateReset(stream) == Z_OK }
}
