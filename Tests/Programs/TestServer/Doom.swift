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

    /// Whether the file says "bad" when the server is described: then all workers of this description die in `/whole`, even if the file
    /// is removed.
    static var makesBad: Bool { letter == UInt8(ascii: "b") }

    private static var letter: UInt8? {
        guard let path = unsafe path, let file = unsafe fopen(path, "r") else { return nil }
        defer { unsafe fclose(file) }
        return UInt8(exactly: unsafe fgetc(file))
    }

    /// "late" in the file lets a worker become ready first; "slow" has it start for a second, and then live; "hang" for ever.
    static func obey(_ worker: Worker) throws {
        if unsafe closesListenersEarly { unsafe timer = worker.loop.after(.milliseconds(20)) { worker.closeListeners() } }
        if unsafe failsInQuarantine, worker.isQuarantine { throw WrongArgument(reason: "this worker is doomed") }
        switch letter {
        case nil, UInt8(ascii: "b"): break
        case UInt8(ascii: "l"): unsafe timer = worker.loop.after(.milliseconds(50)) { _exit(9) }
        case UInt8(ascii: "s"): usleep(1_000_000)
        case UInt8(ascii: "h"): while true { pause() }
        default: throw WrongArgument(reason: "this worker is doomed")
        }
    }
}
#endif
