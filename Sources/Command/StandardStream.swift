// Standard output and standard error, written at once and whole: no buffer that a fork could copy.
// Runs in the master before the fork.

import Glibc

/// Half of a text must not pass for the whole, as in `everycore check >file` on a full disk.
struct StreamFailure: Error, CustomStringConvertible {
    let stream: StandardStream
    let errno: Int32

    var description: String { "standard \(stream) can't be written to: \(unsafe String(cString: strerror(errno)))" }
}

enum StandardStream: Int32 {
    case output = 1
    case error = 2

    /// - Throws: when not all of it is written.
    func write(_ text: String) throws(StreamFailure) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(rawValue, $0.baseAddress, $0.count) }
            if count > 0 {
                rest = rest.dropFirst(count)
            } else if count == 0 || errno != EINTR {
                throw StreamFailure(stream: self, errno: count == 0 ? EIO : errno)
            }
        }
    }
}
