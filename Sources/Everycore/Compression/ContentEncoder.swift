// What the libraries of content codings have in common: bytes in, coded bytes out, and a point up to which they can be decoded.
//
// Runs in the workers, on the loop's thread. One encoder works on one content at a time.

protocol ContentEncoder: AnyObject {
    /// Codes `input` and appends to `output`, flushed: a decoder can reproduce all of `input`.
    /// - Parameter isLast: the content ends here.
    /// - Returns: false where the library failed; the content can't be completed then.
    func encode(_ input: RawSpan, isLast: Bool, into output: inout [UInt8]) -> Bool

    /// Prepares for another content. False if this encoder can't be used again.
    func reset() -> Bool
}

/// What an encoder is made for: how much memory it takes.
enum EncoderUse {
    /// A content that is here, of so many bytes. One encoder serves all of a worker's, one after the other.
    case whole(Int)
    /// A content that comes piece by piece: as many encoders at a time as there are such responses.
    case stream
}

extension ContentCoding {
    /// Those that this build has: gzip always, brotli and zstd with the package's traits `Brotli` and `Zstd`.
    public static var available: [ContentCoding] {
        var codings = [ContentCoding.gzip]
        #if Brotli
        codings.append(.brotli)
        #endif
        #if Zstd
        codings.append(.zstd)
        #endif
        return codings
    }

    /// Nil where there is no memory for it, or this build doesn't have it.
    func makeEncoder(level: Int, for use: EncoderUse) -> (any ContentEncoder)? {
        let level = Int32(min(max(level, 1), 9))
        switch self {
        case .gzip: return GzipEncoder(level: level, for: use)
        case .brotli:
            #if Brotli
            return BrotliEncoder(quality: level, for: use)
            #else
            return nil
            #endif
        case .zstd:
            #if Zstd
            return ZstdEncoder(level: level, for: use)
            #else
            return nil
            #endif
        }
    }
}
