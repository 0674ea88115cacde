// Workers that fail as soon as they start, for as long as a file says so: what a bad release looks like to a running cluster.
// Runs in the workers.

#if TestPrograms
import Cluster
import EverycoreLoop
import Glibc

enum Doom {
    /// A file whose existence dooms workers. Set in the master before the fork.
    nonisolated(unsafe) static var path: String?
    nonisolated(unsafe) static var isBad = false
    /// Workers call what is meant for their end right after their start.
    nonisolated(unsafe) static var closesListenersEarly = false
    nonisolated(unsafe) static var failsInQuarantine = false
    nonisolated(unsafe) private static var timer: LoopTimer?

    /// "late" in the file lets a worker become ready first; "slow" has it start for a second, and then live; "hang" for ever; "bad" makes
    /// it die in `/whole`.
    static func obey(_ worker: Worker) throws {
        if unsafe closesListenersEarly { unsafe timer = worker.loop.after(.milliseconds(20)) { worker.closeListeners() } }
        if unsafe failsInQuarantine, worker.isQuarantine { throw WrongArgument(reason: "this worker is doomed") }
        guard let path = unsafe path, let file = unsafe fopen(path, "r") else { return }
        defer { unsafe fclose(file) }
        switch unsafe fgetc(file) {
        case Int32(UInt8(ascii: "l")): unsafe timer = worker.loop.after(.milliseconds(50)) { _exit(9) }
        case Int32(UInt8(ascii: "s")): usleep(1_000_000)
        case Int32(UInt8(ascii: "b")): unsafe isBad = true
        case Int32(UInt8(ascii: "h")): while true { pause() }
        default: throw WrongArgument(reason: "this worker is doomed")
        }
    }
}
#endif
