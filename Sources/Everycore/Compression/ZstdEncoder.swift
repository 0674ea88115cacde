// Zstandard (RFC 8878) by its library. Only in builds that have it.
//
// Runs in the workers, on the loop's thread. Owned by the response compressor or by one streamed response.

#if Zstd
internal import CEverycoreZstd

@safe final class ZstdEncoder: ContentEncoder {
    private let context: OpaquePointer

    /// Windows far below the 8 MiB that every client of the coding has to take (RFC 9659 §3): they bound the memory too.
    init?(level: Int32, for use: EncoderUse) {
        guard let context = unsafe ZSTD_createCCtx() else { return nil }
        unsafe self.context = context
        _ = unsafe ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level)
        switch use {
        case .whole: _ = unsafe ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, 18)
        case .stream:
            _ = unsafe ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, 16)
            // The tables that a level has by itself take 2.5 MiB at 4 and 12 MiB at 9, whatever the window.
            _ = unsafe ZSTD_CCtx_setParameter(context, ZSTD_c_hashLog, 15)
            _ = unsafe ZSTD_CCtx_setParameter(context, ZSTD_c_chainLog, 15)
        }
    }

    deinit { _ = unsafe ZSTD_freeCCtx(context) }

    func encode(_ input: RawSpan, isLast: Bool, into output: inout [UInt8]) -> Bool {
        unsafe input.withUnsafeBytes { source in
            unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 16384) { room in
                var source = unsafe ZSTD_inBuffer(src: source.baseAddress, size: source.count, pos: 0)
                while true {
                    var target = unsafe ZSTD_outBuffer(dst: room.baseAddress, size: room.count, pos: 0)
                    let left = unsafe ZSTD_compressStream2(context, &target, &source, isLast ? ZSTD_e_end : ZSTD_e_flush)
                    guard ZSTD_isError(left) == 0 else { return false }
                    unsafe output.append(contentsOf: room[..<min(target.pos, room.count)])
                    if left == 0 { return true }
                }
            }
        }
    }

    func reset() -> Bool { ZSTD_isError(unsafe ZSTD_CCtx_reset(context, ZSTD_reset_session_only)) == 0 }
}
#endif
