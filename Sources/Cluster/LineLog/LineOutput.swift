// What lines are written to: a file, a pipe, or what the master's standard output is. No write waits for a reader; one to a file may wait
// for the disk, which is the writer's business alone.
// Process: writer · Thread: loop

package import CEverycorePosix
internal import EverycoreLoop
internal import Glibc

/// What became of a write.
package enum LineTransfer: Equatable {
    case bytes(Int)
    /// None now: the reader is slow.
    case full
    case failed(errno: Int32)
}

/// Which file a regular file is, and how long.
package struct LinePlace: Equatable {
    package var device: UInt64 = 0
    package var inode: UInt64 = 0
    package var size: UInt64 = 0

    /// Nil where the descriptor is no regular file.
    package init?(_ descriptor: Int32) {
        guard unsafe cposix_log_status(descriptor, &device, &inode, &size) == 0 else { return nil }
    }

    package init(device: UInt64, inode: UInt64, size: UInt64) { (self.device, self.inode, self.size) = (device, inode, size) }
}

package protocol LineOutput: AnyObject {
    /// The most that may be written at once. Of a pipe it is what the kernel never mixes with other writers' bytes (PIPE_BUF, pipe(7)).
    var portion: Int { get }
    /// Nil for all but a regular file.
    var place: LinePlace? { get }
    func write(_ parts: [cposix_part]) -> LineTransfer
    /// Takes the beginning of a line away that can't be ended, where it is still the file's end.
    func cut(_ byteCount: Int)
}

private enum LinePortion {
    static let ofFile = 1 << 20
    static let ofOthers = 4096
    /// What is copied for each write.
    static let ofStandardOutput = 65536
}

/// A file that the master has opened.
final class FileOutput: LineOutput {
    private let file: OwnedDescriptor
    private let isRegular: Bool

    init(_ file: OwnedDescriptor) {
        self.file = file
        isRegular = cposix_log_kind(file.descriptor) == Int32(cposix_log_file)
    }

    var portion: Int { isRegular ? LinePortion.ofFile : LinePortion.ofOthers }
    var place: LinePlace? { LinePlace(file.descriptor) }

    func write(_ parts: [cposix_part]) -> LineTransfer {
        while true {
            let count = unsafe parts.withUnsafeBufferPointer { parts in
                unsafe isRegular
                    ? cposix_append_parts(file.descriptor, parts.baseAddress, Int32(parts.count))
                    : cposix_write_parts(file.descriptor, parts.baseAddress, Int32(parts.count))
            }
            if count >= 0 { return .bytes(count) }
            if errno == EAGAIN { return .full }
            if errno != EINTR { return .failed(errno: errno) }
        }
    }

    func cut(_ byteCount: Int) {
        guard let size = place?.size, size >= UInt64(byteCount) else { return }
        _ = cposix_log_cut(file.descriptor, size, size - UInt64(byteCount))
    }
}

/// The master's standard output, through the one writer that it has in every process.
final class StandardOutput: LineOutput {
    private let isRegular = cposix_log_kind(STDOUT_FILENO) == Int32(cposix_log_file)
    private var gathered: [UInt8] = []

    var portion: Int { isRegular ? LinePortion.ofStandardOutput : LinePortion.ofOthers }
    var place: LinePlace? { isRegular ? LinePlace(STDOUT_FILENO) : nil }

    func write(_ parts: [cposix_part]) -> LineTransfer {
        gathered.removeAll(keepingCapacity: true)
        for index in unsafe parts.indices {
            let part = unsafe parts[index]
            unsafe gathered.append(contentsOf: UnsafeRawBufferPointer(start: part.start, count: part.count))
        }
        while true {
            let count = unsafe gathered.withUnsafeBytes { unsafe cposix_try_output(STDOUT_FILENO, $0.baseAddress, $0.count) }
            if count >= 0 { return .bytes(count) }
            if errno == EAGAIN { return .full }
            if errno != EINTR { return .failed(errno: errno) }
        }
    }

    /// Others write to it, too.
    func cut(_ byteCount: Int) {}
}
