// The one error and the one wrapper for system calls. Any process.
// Process: any · Thread: any

import Glibc

/// A system call that failed: what was tried, and the `errno` it left (errno(3)).
public struct SystemError: Error, Hashable, CustomStringConvertible {
    public let errno: Int32
    /// What was tried, on what: `bind 127.0.0.1:80`.
    public let operation: String

    public init(errno: Int32, operation: String) {
        self.errno = errno
        self.operation = operation
    }

    public var description: String {
        // strerror's text is static in glibc for every number the kernel gives; an unknown one is named by its number.
        let text = unsafe strerror(errno).map { unsafe String(cString: $0) } ?? "error \(errno)"
        return "\(operation): \(text)"
    }
}

/// Calls `body` until it is not interrupted (EINTR); a result of -1 becomes a `SystemError` that names `operation`.
@discardableResult
package func systemCall<Result: FixedWidthInteger & SignedInteger>(
    _ operation: @autoclosure () -> String, _ body: () -> Result
) throws(SystemError) -> Result {
    while true {
        let result = body()
        guard result == -1 else { return result }
        let code = errno
        guard code != EINTR else { continue }
        throw SystemError(errno: code, operation: operation())
    }
}
