// Where log lines go by default: standard error, written so that a reader who stopped reading costs lines, not the service.
// Used in every process of the cluster; each has its own count of what was lost.
//
// A pipe or terminal that poll(2) calls writable takes PIPE_BUF bytes without waiting (pipe(7)), so that is the most that one
// write gets. It can't be made nonblocking: it is the same open file as the shell's and other programs'.

internal import Glibc
internal import Synchronization

package struct StandardErrorStream: TextOutputStream, Sendable {
    private static let lost = Atomic<Int>(0)
    private static let blockByteCount = 4096

    private let noteOfLoss: @Sendable (_ lines: Int) -> String

    /// - Parameter noteOfLoss: what is written when there is room again.
    package init(
        noteOfLoss: @escaping @Sendable (_ lines: Int) -> String = { "(\($0) log lines were lost: nobody read them)\n" }
    ) {
        self.noteOfLoss = noteOfLoss
    }

    package mutating func write(_ text: String) {
        let lost = Self.lost.load(ordering: .relaxed)
        if lost > 0, Self.send(noteOfLoss(lost)) {
            Self.lost.subtract(lost, ordering: .relaxed)
        }
        if !Self.send(text) { Self.lost.add(1, ordering: .relaxed) }
    }

    /// - Returns: false when nothing could be written.
    private static func send(_ text: String) -> Bool {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            guard hasRoom else { return rest.count < text.utf8.count }
            let count = unsafe rest.withUnsafeBytes { bytes in
                unsafe Glibc.write(STDERR_FILENO, bytes.baseAddress, min(bytes.count, blockByteCount))
            }
            if count > 0 {
                rest = rest.dropFirst(count)
            } else if errno != EINTR {
                // Closed, or nobody will ever read it.
                return true
            }
        }
        return true
    }

    private static var hasRoom: Bool {
        var request = pollfd(fd: STDERR_FILENO, events: Int16(POLLOUT), revents: 0)
        return unsafe poll(&request, 1, 0) > 0
    }
}
