// The terminal that `everycore top` takes over: keys as they are pressed, and a screen that is given back in every end that the program sees.
// Process: any other than a service's · Thread: main

#if Command
internal import CEverycorePosix
import Glibc

final class TopTerminal {
    private var before: termios?
    private var isEntered = false

    static var isThere: Bool { isatty(STDOUT_FILENO) == 1 }
    let hasKeys = isatty(STDIN_FILENO) == 1

    /// Columns and rows; those of an old terminal where it doesn't tell.
    var size: (columns: Int, rows: Int) {
        var (columns, rows): (UInt16, UInt16) = (0, 0)
        guard unsafe cposix_terminal_size(STDOUT_FILENO, &columns, &rows) == 0, columns > 0, rows > 0 else { return (80, 24) }
        return (Int(columns), Int(rows))
    }

    /// Keys come one by one and aren't shown. INT and TSTP stay signals.
    func enter() {
        guard !isEntered else { return }
        isEntered = true
        var state = termios()
        if hasKeys, unsafe tcgetattr(STDIN_FILENO, &state) == 0 {
            before = state
            state.c_lflag &= ~tcflag_t(ICANON | ECHO)
            unsafe tcsetattr(STDIN_FILENO, TCSANOW, &state)
        }
        write(Painter.enter)
    }

    func leave() {
        guard isEntered else { return }
        isEntered = false
        write(Painter.leave)
        if var before { unsafe tcsetattr(STDIN_FILENO, TCSANOW, &before) }
    }

    /// In one piece, where the terminal takes it. What it doesn't take is lost: the terminal is gone.
    func write(_ text: String) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(STDOUT_FILENO, $0.baseAddress, $0.count) }
            if count > 0 {
                rest = rest.dropFirst(count)
            } else if count < 0, errno == EAGAIN {
                var request = pollfd(fd: STDOUT_FILENO, events: Int16(POLLOUT), revents: 0)
                if unsafe poll(&request, 1, 1000) <= 0 { return }
            } else if count == 0 || errno != EINTR {
                return
            }
        }
    }

    /// What was typed; nil at its end.
    func keys() -> [TopModel.Key]? {
        var bytes = [UInt8](repeating: 0, count: 256)
        let count = unsafe bytes.withUnsafeMutableBytes { unsafe read(STDIN_FILENO, $0.baseAddress, $0.count) }
        if count > 0 { return TerminalKeys.keys(Array(bytes.prefix(count))) }
        return count < 0 && (errno == EINTR || errno == EAGAIN) ? [] : nil
    }
}
#endif
