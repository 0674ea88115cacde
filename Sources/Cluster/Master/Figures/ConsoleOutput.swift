// The master's figures on its standard output: what a reader doesn't take is dropped, and nothing waits for one but the last words,
// for a bounded time. Runs in the master, on its one thread. The writer itself is cposix_output.c.

internal import CEverycorePosix
internal import EverycoreLoop
internal import Glibc

final class ConsoleOutput {
    let isTerminal = isatty(STDOUT_FILENO) == 1
    /// The rest of what was cut off in the middle; goes first next time.
    private var unsent: [UInt8] = []

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
            guard !unsent.isEmpty, EventLoop.monotonicNanoseconds() < deadline else { return }
            waitForRoom()
        }
    }

    /// - Returns: what did not fit. Nothing when it will never be read.
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
        unsafe bytes.withUnsafeBytes { unsafe cposix_try_output(STDOUT_FILENO, $0.baseAddress, $0.count) }
    }

    private func waitForRoom() {
        var request = pollfd(fd: STDOUT_FILENO, events: Int16(POLLOUT), revents: 0)
        _ = unsafe poll(&request, 1, 50)
    }
}
