// brotli (RFC 7932) by its library. Only in builds that have it.
//
// Runs in the workers, on the loop's thread. The library can't start over with the memory that it has: one encoder a content.

#if Brotli
internal import CEverycoreBrotli

@safe final class BrotliEncoder: ContentEncoder {
    private let state: OpaquePointer

    /// A window of 64 KiB: with it the library's tables take 0.8 MiB at quality 4 and 1.5 MiB at 9; beyond, up to 33 MiB, cleared for
    /// each content.
    init?(quality: Int32, for use: EncoderUse) {
        guard let state = unsafe BrotliEncoderCreateInstance(nil, nil, nil) else { return nil }
        unsafe self.state = state
        _ = unsafe BrotliEncoderSetParameter(state, BROTLI_PARAM_QUALITY, UInt32(quality))
        _ = unsafe BrotliEncoderSetParameter(state, BROTLI_PARAM_LGWIN, 16)
        if case .whole(let size) = use {
            _ = unsafe BrotliEncoderSetParameter(state, BROTLI_PARAM_SIZE_HINT, UInt32(clamping: size))
        }
    }

    deinit { unsafe BrotliEncoderDestroyInstance(state) }

    func encode(_ input: RawSpan, isLast: Bool, into output: inout [UInt8]) -> Bool {
        unsafe input.withUnsafeBytes { source in
            let operation = isLast ? BROTLI_OPERATION_FINISH : BROTLI_OPERATION_FLUSH
            var next = unsafe source.baseAddress?.assumingMemoryBound(to: UInt8.self)
            var left = source.count
            repeat {
                var room = 0
                guard unsafe BrotliEncoderCompressStream(state, operation, &left, &next, &room, nil, nil) != 0 else {
                    return false
                }
                while unsafe BrotliEncoderHasMoreOutput(state) != 0 {
                    var count = 0
                    guard let bytes = unsafe BrotliEncoderTakeOutput(state, &count), count > 0 else { break }
                    unsafe output.append(contentsOf: UnsafeBufferPointer(start: bytes, count: count))
                }
            } while left > 0 || (isLast && (unsafe BrotliEncoderIsFinished(state) == 0))
            return true
        }
    }

    func reset() -> Bool { false }
}
#endif
