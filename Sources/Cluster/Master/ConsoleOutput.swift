// The master's standard output, written so that it can neither block nor end the master: a reader that stopped reading
// costs lines, not the service. Runs in the master, on its one thread.
//
// Standard output can't be made nonblocking itself: it is the same open file as the shell's and other programs'. Opened
// anew through /proc it is a file of our own on the same pipe or terminal (proc_pid_fd(5)). A socket takes MSG_DONTWAIT.

internal import CEverycorePosix
internal import EverycoreLoop
internal import Glibc

final class ConsoleOutput {
    private enum Kind {
        /// Nonblocking and ours.
        case reopened(Int32)
        case socket
        /// Regular files never block.
        case file
        /// A pipe or terminal that we may not open: a small write after poll(2) finds room.
        case guarded
    }

    let isTerminal: Bool
    private let kind: Kind
    /// The rest of what was cut off in the middle; goes first next time.
    private var unsent: [UInt8] = []
    private static let guardedWriteByteCount = 512

    init() {
        isTerminal = isatty(STDOUT_FILENO) == 1
        var status = stat()
        guard unsafe fstat(STDOUT_FILENO, &status) == 0 else {
            kind = .guarded
            return
        }
        switch status.st_mode & S_IFMT {
        case S_IFREG: kind = .file
        case S_IFSOCK: kind = .socket
        default:
            let descriptor = unsafe open("/proc/self/fd/1", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
            kind = descriptor >= 0 ? .reopened(descriptor) : .guarded
        }
    }

    /// Runs in a child, which has no use for it.
    func closeInherited() {
        if case .reopened(let descriptor) = kind { close(descriptor) }
    }

    /// Columns and rows, when it is a terminal that tells.
    var size: (columns: Int, rows: Int)? {
        var columns: UInt16 = 0
        var rows: UInt16 = 0
        guard isTerminal, unsafe cposix_terminal_size(STDOUT_FILENO, &columns, &rows) == 0, columns > 0, rows > 0 else {
            return nil
        }
        return (Int(columns), Int(rows))
    }

    /// Writes what fits now. While an earlier text is stuck half written, new ones are dropped.
    func write(_ text: String) {
        if !unsent.isEmpty {
            unsent = send(unsent[...])
            guard unsent.isEmpty else { return }
        }
        let bytes = Array(text.utf8)
        let rest = send(bytes[...])
        if rest.count < bytes.count { unsent = rest }
    }

    /// Writes to the end, waiting for a reader at most that long. For the last words.
    func write(_ text: String, within limit: Duration) {
        let deadline = EventLoop.monotonicNanoseconds() &+ limit.wholeNanoseconds
        unsent += Array(text.utf8)
        while true {
            unsent = send(unsent[...])
            guard !unsent.isEmpty, EventLoop.monotonicNanoseconds() < deadline, waitForRoom(milliseconds: 50) else {
                return
            }
        }
    }

    /// - Returns: what did not fit. Nothing when nobody will ever read it.
    private func send(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        var rest = bytes
        while !rest.isEmpty {
            let count = sendOnce(rest)
            if count > 0 {
                rest = rest.dropFirst(count)
            } else if count < 0, errno == EINTR {
                continue
            } else if count < 0, errno == EAGAIN {
                return Array(rest)
            } else {
                return []
            }
        }
        return []
    }

    private func sendOnce(_ bytes: ArraySlice<UInt8>) -> Int {
        unsafe bytes.withUnsafeBytes { bytes in
            switch kind {
            case .reopened(let descriptor):
                return unsafe Glibc.write(descriptor, bytes.baseAddress, bytes.count)
            case .socket:
                return unsafe cposix_send(STDOUT_FILENO, bytes.baseAddress, bytes.count)
            case .file:
                return unsafe Glibc.write(STDOUT_FILENO, bytes.baseAddress, bytes.count)
            case .guarded:
                guard waitForRoom(milliseconds: 0) else {
                    errno = EAGAIN
                    return -1
                }
                return unsafe Glibc.write(
                    STDOUT_FILENO, bytes.baseAddress, min(bytes.count, Self.guardedWriteByteCount))
            }
        }
    }

    private func waitForRoom(milliseconds: Int32) -> Bool {
        var request = pollfd(fd: STDOUT_FILENO, events: Int16(POLLOUT), revents: 0)
        guard unsafe poll(&request, 1, milliseconds) > 0 else { return milliseconds > 0 }
        return true
    }
}
