// Standard output and standard error, written at once and whole: no buffer that a fork could copy.
// Runs in the master before the fork.

import Glibc

enum StandardStream: Int32 {
    case output = 1
    case error = 2

    /// A reader that has gone away ends the matter: there is nobody left to tell.
    func write(_ text: String) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(rawValue, $0.baseAddress, $0.count) }
            if count > 0 {
                rest = rest.dropFirst(count)
            } else if count == 0 || errno != EINTR {
                return
            }
        }
    }
}
