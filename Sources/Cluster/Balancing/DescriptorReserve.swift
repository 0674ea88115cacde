// One descriptor that a worker keeps free, so that a connection which a sibling sends never finds no number: the kernel would drop it
// silently (recvmsg(2), MSG_CTRUNC).
// Process: worker · Thread: loop

internal import CEverycorePosix
internal import Glibc

struct DescriptorReserve {
    /// Stands for nothing; -1 while its number is lent.
    private var reserved: Int32 = -1

    /// Frees the number for the descriptor that arrives next.
    /// - Returns: false when the process has no free descriptor at all.
    mutating func lend() -> Bool {
        guard reserved >= 0 || restore() else { return false }
        close(reserved)
        reserved = -1
        return true
    }

    /// Takes a number again.
    /// - Returns: false when none is free.
    mutating func restore() -> Bool {
        if reserved < 0 { reserved = unsafe open("/dev/null", O_RDONLY | O_CLOEXEC) }
        // Without a file system, as in some sandboxes, any other file will do.
        if reserved < 0, errno != EMFILE, errno != ENFILE { reserved = cposix_stream_socket(AF_UNIX) }
        return reserved >= 0
    }
}
