// A terminal of the test's own.

import Glibc
import TestSupport
import Testing

struct Terminal {
    let columns: UInt16
    let rows: UInt16

    /// The end that the test reads, nonblocking, and the one that a program writes to.
    func ends() throws -> (read: Int32, write: Int32) {
        let test = unsafe open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK)
        var number: Int32 = 0
        var unlocked: Int32 = 0
        var size = winsize(ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0)
        // ioctl_tty(2): TIOCSPTLCK and TIOCGPTN, which Swift doesn't see, nor the functions around them.
        try #require(unsafe ioctl(test, 0x4004_5431, &unlocked) == 0)
        try #require(unsafe ioctl(test, 0x8004_5430, &number) == 0)
        try #require(unsafe ioctl(test, UInt(TIOCSWINSZ), &size) == 0)
        let path = "/dev/pts/\(number)"
        let program = unsafe open(path, O_RDWR | O_NOCTTY | O_CLOEXEC)
        try #require(program >= 0)
        return (test, program)
    }
}
