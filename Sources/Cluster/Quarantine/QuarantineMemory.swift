// The memory and the sockets of the quarantine, made by the master before the first fork and inherited by every worker.
// Process: master · Thread: loop (made before the fork)
//
//   first pages   what is quarantined (QuarantineList), which workers can only read
//   then          the counters of the queue, and when each endpoint's last backtrace was (cposix_limit_backtraces)

internal import CEverycorePosix
internal import EverycoreLoop
internal import Glibc

@safe
struct QuarantineMemory {
    private let start: UnsafeMutableRawPointer
    private let listByteCount: Int
    let list: QuarantineList
    var queue: QuarantineQueue
    /// Connections that come back with bytes that are not answered. Those without come by the slots' own sockets.
    var returns: MoveSocket

    init() throws(SystemError) {
        let pageSize = max(Int(sysconf(Int32(_SC_PAGESIZE))), 4096)
        listByteCount = (QuarantineList.byteCount + pageSize - 1) / pageSize * pageSize
        guard let memory = unsafe cposix_map_shared(listByteCount + QuarantineQueue.byteCount + Int(cposix_backtrace_table_size)) else {
            throw SystemError(errno: errno, operation: "map shared memory for quarantine")
        }
        unsafe start = memory
        unsafe list = QuarantineList(at: memory)
        unsafe queue = QuarantineQueue(try MoveSocket(), counters: memory + listByteCount)
        returns = try MoveSocket()
        list.publish([])
    }

    /// Runs in a worker, right after the fork.
    func protectList() { unsafe cposix_protect_from_writing(start, listByteCount) }

    /// Where workers note their backtraces.
    var backtraces: UnsafeMutablePointer<UInt64> {
        unsafe (start + listByteCount + QuarantineQueue.byteCount).assumingMemoryBound(to: UInt64.self)
    }

    var descriptors: [Int32] { queue.socket.pair.descriptors + returns.pair.descriptors }
}
