// The directory that static files are served from. No path leads out of it: where the kernel can, it sees to that itself.
//
// Opened in the master before the fork, so that every worker serves the same directory, whatever becomes of its name; used in
// the workers.

internal import CEverycorePosix
package import EverycoreLoop
internal import Glibc

package final class DocumentRoot: Sendable {
    private let descriptor: Int32
    /// The kernel, or a filter around it, has no openat2: paths are walked here, and no symbolic link is followed.
    package let walks: Bool

    /// - Parameter walks: walks the paths even where openat2 works.
    package init(_ path: String, walks: Bool = false) throws(SystemError) {
        descriptor = try systemCall("open \(path)") { unsafe cposix_open_root(path) }
        self.walks = walks || !Self.hasOpenat2(descriptor)
    }

    deinit { close(descriptor) }

    private static func hasOpenat2(_ root: Int32) -> Bool {
        let probe = unsafe cposix_open_beneath(root, ".")
        guard probe < 0 else {
            close(probe)
            return true
        }
        return ![ENOSYS, EPERM, E2BIG, EINVAL].contains(errno)
    }

    /// Opens a file or a directory.
    package func open(_ path: FilePath) throws(OpenFailure) -> OpenFile {
        var name = path.bytes.isEmpty ? [UInt8(ascii: ".")] : path.bytes
        if walks { return try walk(to: name) }
        name.append(0)
        let opened = unsafe name.withUnsafeBytes { bytes in
            unsafe bytes.baseAddress.map { unsafe cposix_open_beneath(descriptor, $0.assumingMemoryBound(to: CChar.self)) } ?? -1
        }
        return try OpenFile(descriptor: opened)
    }

    /// One entry after the other, each from the directory that was opened before it.
    private func walk(to path: [UInt8]) throws(OpenFailure) -> OpenFile {
        var directory: Int32 = descriptor
        defer { if directory != descriptor { close(directory) } }
        let names = path.split(separator: UInt8(ascii: "/"))
        for (index, name) in names.enumerated() {
            let isLast = index == names.count - 1
            let opened = unsafe (Array(name) + [0]).withUnsafeBytes { bytes in
                unsafe bytes.baseAddress.map {
                    unsafe cposix_open_entry(directory, $0.assumingMemoryBound(to: CChar.self), isLast ? 1 : 0)
                } ?? -1
            }
            if isLast { return try OpenFile(descriptor: opened) }
            guard opened >= 0 else { throw OpenFailure(errno: errno) }
            if directory != descriptor { close(directory) }
            directory = opened
        }
        throw .absent
    }
}
