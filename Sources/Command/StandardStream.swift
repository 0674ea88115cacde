// Standard output and standard error, written at once and whole: no buffer that a fork could copy.
// Runs in the master before the fork.
// Process: master, before the fork · Thread: main

#if Command
import Glibc

/// Fails when only a part is written, as in `everycore check >file` on a full disk.
struct StreamFailure: Error, CustomStringConvertible {
    let stream: StandardStream
    let errno: Int32

    var description: String { "standard \(stream) can't be written to: \(unsafe String(cString: strerror(errno)))" }
}

enum StandardStream: Int32 {
    case output = 1
    case error = 2

    /// A pipe that poll(2) calls writable takes so much without waiting (PIPE_BUF, pipe(7)).
    private static let blockByteCount = 4096

    /// Bounded, so that an exit with an error doesn't wait for a reader for ever.
    private var hasRoom: Bool {
        var request = pollfd(fd: rawValue, events: Int16(POLLOUT), revents: 0)
        return unsafe self == .output || poll(&request, 1, 1000) != 0
    }

    /// Waits for a reader of standard output, and a second for one of standard error.
    /// - Throws: when not all of it is written.
    func write(_ text: String) throws(StreamFailure) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            guard hasRoom else { throw StreamFailure(stream: self, errno: EAGAIN) }
            let count = unsafe rest.withUnsafeBytes { bytes in
                unsafe Glibc.write(rawValue, bytes.baseAddress, min(bytes.count, Self.blockByteCount))
            }
            if count > 0 {
                rest = rest.dropFirst(count)
            } else if count == 0 || errno != EINTR {
                throw StreamFailure(stream: self, errno: count == 0 ? EIO : errno)
            }
        }
    }
}
#endif
