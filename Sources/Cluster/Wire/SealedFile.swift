// A large payload in transit between two processes: a file in memory that can never change again, so that its reader may
// trust its size and bytes (memfd_create(2)). Used by both sides; closed with its last owner.

internal import CEverycorePosix
internal import EverycoreLoop
internal import Glibc

/// A descriptor that is closed with its last owner.
class OwnedDescriptor {
    let descriptor: Int32

    init(_ descriptor: Int32) { self.descriptor = descriptor }

    deinit { _ = close(descriptor) }
}

final class SealedFile: OwnedDescriptor {
    let byteCount: Int

    /// In the sender: a file with these bytes.
    init(_ bytes: Span<UInt8>) throws(SystemError) {
        byteCount = bytes.count
        let file = try systemCall("make a file in memory for a message") {
            unsafe bytes.withUnsafeBytes { unsafe cposix_sealed_file($0.baseAddress, $0.count) }
        }
        super.init(file)
    }

    /// In the receiver: takes a descriptor over; nil when it isn't a sealed file of just this size.
    init?(received descriptor: Int32, byteCount: Int) {
        self.byteCount = byteCount
        super.init(descriptor)
        guard cposix_sealed_size(descriptor) == Int64(byteCount) else { return nil }
    }

    /// Copied rather than mapped: a mapping of memory that the kernel can't bring back would end the process.
    func read() throws(SystemError) -> ByteStorage {
        let bytes = ByteStorage(count: byteCount)
        let result = unsafe bytes.withUnsafeMutableBytes { unsafe cposix_read_whole(descriptor, $0.baseAddress, byteCount) }
        guard result == 0 else { throw SystemError(errno: errno, operation: "read a message's file") }
        return bytes
    }
}
