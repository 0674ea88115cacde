// An open file and what is known of its version.
//
// Made in the workers, for one request or for those of a second; a response that a handler keeps holds it open. Only regular files
// and directories are opened: of everything else, which may block or do something when it is read, the server says that it isn't
// there.

internal import CEverycorePosix
package import EverycoreLoop
internal import Glibc

/// What tells one version of a file from another.
package struct FileFacts: Sendable, Equatable {
    package var device: UInt64
    package var inode: UInt64
    /// In bytes.
    package var size: Int64
    /// When it was modified last, since 1970.
    package var seconds: Int64
    package var nanoseconds: Int64
    /// When the file or what is known of it changed last, since 1970. No program can set this time.
    package var changeSeconds: Int64
    package var changeNanoseconds: Int64

    package init(
        device: UInt64, inode: UInt64, size: Int64, seconds: Int64, nanoseconds: Int64, changeSeconds: Int64, changeNanoseconds: Int64
    ) {
        self.device = device
        self.inode = inode
        self.size = size
        self.seconds = seconds
        self.nanoseconds = nanoseconds
        self.changeSeconds = changeSeconds
        self.changeNanoseconds = changeNanoseconds
    }

    init(_ status: stat) {
        self.init(
            device: UInt64(status.st_dev), inode: UInt64(status.st_ino), size: Int64(status.st_size),
            seconds: Int64(status.st_mtim.tv_sec), nanoseconds: Int64(status.st_mtim.tv_nsec),
            changeSeconds: Int64(status.st_ctim.tv_sec), changeNanoseconds: Int64(status.st_ctim.tv_nsec))
    }

    /// The validators of this version. The tag is device, inode, size and time in nanoseconds, in hexadecimal digits: it changes
    /// whenever the file is written, replaced or put back in time.
    ///
    /// A file that was modified less than a second ago may be modified again within one tick of the kernel's clock, and keep
    /// its time: until then its tag is weak, and so is its date (RFC 9110 §8.8.1, §8.8.2.2).
    ///
    /// Build tools date files 1970 or 1980 to have the same bytes every time. Such a date says nothing about the version: the time of
    /// the change stands in the tag with it, and no `Last-Modified` is sent, from which caches would conclude that the file stays as it
    /// is for years (RFC 9111 §4.2.2). Nor is a time in the future sent (RFC 9110 §8.8.2.1); how old the version is says the change.
    package func validators(now: Int64) -> Validators {
        var parts = [device, inode, UInt64(bitPattern: size), Self.joined(seconds, nanoseconds)]
        if isDateless { parts.append(Self.joined(changeSeconds, changeNanoseconds)) }
        let tag = EntityTag(parts.map { String($0, radix: 16) }.joined(separator: "-"), isWeak: isYoung(now: now))
        return Validators(tag: tag, lastModified: isDateless || seconds > now ? nil : seconds)
    }

    /// Whether the version may change without a sign of it.
    func isYoung(now: Int64) -> Bool { (isDateless || seconds > now ? changeSeconds : seconds) >= now &- 1 }

    /// Up to the second day of 1980, where ZIP's calendar begins.
    private var isDateless: Bool { seconds < 315_619_200 }

    private static func joined(_ seconds: Int64, _ nanoseconds: Int64) -> UInt64 {
        UInt64(bitPattern: seconds &* 1_000_000_000 &+ nanoseconds)
    }
}

/// Why a file can't be had.
package enum OpenFailure: Error, Equatable {
    /// No such file, none that is served, or one that isn't below the root.
    case absent
    /// The server may not read it.
    case forbidden
    /// Out of descriptors or memory, or something on the path is being renamed all the time: another try may do.
    case exhausted
    case system(SystemError)

    init(errno code: Int32) {
        switch code {
        case ENOENT, ENOTDIR, ELOOP, EXDEV, ENAMETOOLONG, ENXIO, ENODEV, EINVAL: self = .absent
        case EACCES, EPERM: self = .forbidden
        case EMFILE, ENFILE, ENOMEM, EAGAIN: self = .exhausted
        default: self = .system(SystemError(errno: code, operation: "open a file"))
        }
    }

    /// The response to the client.
    var answer: any Error {
        switch self {
        case .absent: HTTPError(404)
        case .forbidden: HTTPError(403)
        case .exhausted: HTTPError(503)
        case .system(let error): error
        }
    }
}

/// Owns its descriptor. A read says where: the file's own position never moves.
package final class OpenFile: Sendable {
    package let descriptor: Int32
    package let facts: FileFacts
    package let isDirectory: Bool

    /// Takes the descriptor, and closes it where it stands for neither a regular file nor a directory.
    init(descriptor: Int32) throws(OpenFailure) {
        var status = stat()
        guard descriptor >= 0 else { throw OpenFailure(errno: errno) }
        guard unsafe fstat(descriptor, &status) == 0 else {
            let failure = OpenFailure(errno: errno)
            close(descriptor)
            throw failure
        }
        let kind = status.st_mode & S_IFMT
        guard kind == S_IFREG || kind == S_IFDIR else {
            close(descriptor)
            throw .absent
        }
        self.descriptor = descriptor
        isDirectory = kind == S_IFDIR
        facts = FileFacts(status)
    }

    /// Opens a file wherever it is.
    convenience init(path: String) throws(OpenFailure) {
        guard !path.isEmpty, !path.utf8.contains(0) else { throw .absent }
        try self.init(descriptor: unsafe cposix_open_file(path))
    }

    deinit {
        close(descriptor)
    }

    /// A descriptor of its own, for a reader that closes what it reads. They share one position.
    func duplicate() throws(OpenFailure) -> Int32 {
        let copy = cposix_duplicate(descriptor)
        guard copy >= 0 else { throw OpenFailure(errno: errno) }
        return copy
    }

    /// Whether it is what it was when it was opened, and still has a name: one that was deleted or replaced has none.
    var isCurrent: Bool {
        var status = stat()
        return unsafe fstat(descriptor, &status) == 0 && status.st_nlink > 0 && FileFacts(status) == facts
    }

    /// The content of a file that is small enough to be held.
    package enum Content: Equatable {
        /// As long as its facts say, which still hold.
        case known([UInt8])
        /// The file was written meanwhile.
        case changed
        /// The file system doesn't know the length: of a file under /proc it says 0, under /sys that of a page. What was read of it, and
        /// whether that is all.
        case unknown([UInt8], isWhole: Bool)
    }

    /// Reads all of it, and checks what the file system says of it against that.
    package func content() -> Content? {
        guard let bytes = read(at: 0, count: Int(facts.size) &+ 1) else { return nil }
        if Int64(bytes.count) == facts.size { return isUnchanged ? .known(bytes) : .changed }
        guard isUnchanged else { return .changed }
        if Int64(bytes.count) < facts.size { return .unknown(bytes, isWhole: true) }
        guard let more = read(at: Int64(bytes.count), count: Self.bufferSize) else { return nil }
        return .unknown(bytes + more, isWhole: more.count < Self.bufferSize)
    }

    static var bufferSize: Int { 65536 }

    private var isUnchanged: Bool {
        var status = stat()
        return unsafe fstat(descriptor, &status) == 0 && FileFacts(status) == facts
    }

    /// Reads up to `count` bytes; fewer at the file's end, nil when it can't be read.
    package func read(at offset: Int64, count: Int) -> [UInt8]? {
        var failed = false
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: max(count, 0)) { buffer, filled in
            while filled < count {
                let room = unsafe UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[filled...])
                let got = unsafe pread(descriptor, room.baseAddress, count &- filled, Int(offset) &+ filled)
                if got < 0 && errno == EINTR { continue }
                if got < 0 { failed = true }
                if got <= 0 { break }
                filled &+= got
            }
        }
        return failed ? nil : bytes
    }
}
