// What a client does with coded content: decodes it, piece by piece as it comes. By the libraries' own decoders.

import CEverycoreZlib
import Everycore
import EverycoreHTTP
import Testing

#if Brotli
import CEverycoreBrotliDecoder
#endif
#if Zstd
import CEverycoreZstd
#endif

/// Decodes gzip. Keeps its state between pieces.
@safe final class Inflater {
    private let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    private(set) var isComplete = false

    init() {
        unsafe stream.initialize(to: z_stream())
        // 16 more takes gzip alone.
        let status = unsafe inflateInit2_(stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        #expect(status == Z_OK)
    }

    deinit {
        _ = unsafe inflateEnd(stream)
        unsafe stream.deallocate()
    }

    /// All that can be had of what has come so far.
    func decode(_ piece: [UInt8]) -> [UInt8] {
        var piece = piece
        var result: [UInt8] = []
        var room = [UInt8](repeating: 0, count: 65536)
        unsafe piece.withUnsafeMutableBufferPointer { source in
            unsafe stream.pointee.next_in = source.baseAddress
            unsafe stream.pointee.avail_in = UInt32(source.count)
            var left = 0
            repeat {
                unsafe room.withUnsafeMutableBufferPointer { target in
                    unsafe stream.pointee.next_out = target.baseAddress
                    unsafe stream.pointee.avail_out = UInt32(target.count)
                    let status = unsafe inflate(stream, Z_SYNC_FLUSH)
                    #expect(status == Z_OK || status == Z_STREAM_END || status == Z_BUF_ERROR, "zlib says \(status)")
                    if status == Z_STREAM_END { isComplete = true }
                    left = Int(unsafe stream.pointee.avail_out)
                    unsafe result.append(contentsOf: target[..<(target.count - left)])
                }
            } while left == 0
            #expect(unsafe stream.pointee.avail_in == 0)
        }
        return result
    }
}

/// The whole of a content in any coding of this build; nil where it isn't complete.
func decoded(_ bytes: [UInt8], _ coding: ContentCoding, atMost size: Int = 4 << 20) -> String? {
    switch coding {
    case .gzip:
        let inflater = Inflater()
        let content = inflater.decode(bytes)
        return inflater.isComplete ? String(decoding: content, as: UTF8.self) : nil
    case .brotli:
        #if Brotli
        var room = [UInt8](repeating: 0, count: size)
        var count = size
        guard unsafe BrotliDecoderDecompress(bytes.count, bytes, &count, &room) == BROTLI_DECODER_RESULT_SUCCESS else { return nil }
        return String(decoding: room[..<count], as: UTF8.self)
        #else
        return nil
        #endif
    case .zstd:
        #if Zstd
        var room = [UInt8](repeating: 0, count: size)
        // Takes frames without a content size too.
        let count = unsafe ZSTD_decompress(&room, size, bytes, bytes.count)
        return ZSTD_isError(count) == 0 ? String(decoding: room[..<count], as: UTF8.self) : nil
        #else
        return nil
        #endif
    }
}
