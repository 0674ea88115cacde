// What the master looks at once a second by itself: its threads, its descriptors, its output.
// Process: master · Thread: loop

internal import CEverycorePosix
internal import EverycoreLoop
internal import Glibc
internal import Logging

final class Housekeeping {
    private let context: MasterContext
    private var threads: ThreadWatch
    private var lostLines = LostLines()
    /// Its own now; what workers begin with is `openFiles.given`.
    private(set) var openFiles: OpenFileLimit
    private var timer: LoopTimer?

    init(_ context: MasterContext, openFiles: OpenFileLimit, healing: ThreadWatch.Healing?) {
        self.context = context
        self.openFiles = openFiles
        threads = ThreadWatch(healing)
    }

    /// What goes on to the program that takes this one's place.
    var healing: ThreadWatch.Healing? { threads.healing }

    /// - Parameters:
    ///   - alsoLooks: what others look at as often.
    ///   - mayHeal: whether a second thread is a reason to act. A master that follows has its own chance; one that leaves forks no more.
    ///   - heal: starts the program anew.
    func start(alsoLooks: @escaping (_ now: UInt64) -> Void, mayHeal: @escaping () -> Bool, heal: @escaping () -> Void) {
        timer = context.loop.every(.seconds(1)) { [unowned self] in
            let now = EventLoop.monotonicNanoseconds()
            alsoLooks(now)
            if mayHeal() { lookAtThreads(now: now, heal) }
            openFiles.follow()
            if let lost = lostLines.looked(total: cposix_lost_lines(1), now: now) {
                context.log(.warning, .outputLost, "lines of standard output were lost: the reader was too slow", ["lost": "\(lost)"])
            }
        }
    }

    func stop() { timer = nil }

    // MARK: Threads

    private func lookAtThreads(now: UInt64, _ heal: () -> Void) {
        switch threads.looked(several: MasterThreads.areSeveral, now: now) {
        case .report:
            context.log(.error, .masterHasThreads, "the master has a second thread, which no fork copies: start it in a worker", ["threads": "\(threadList)"])
        case .heal:
            context.log(.warning, .masterReexecuted, "starting the program anew, without the master's threads", ["threads": "\(threadList)"])
            heal()
        case nil:
            break
        }
    }

    private var threadList: String { LogText.plain(MasterThreads.names().joined(separator: " ")) }

    /// A worker that is needed now is made in spite of a second thread: one that hangs in a lock is a failed start, none is an outage.
    func lookForThreadsBeforeFork() {
        guard MasterThreads.areSeveral == true else { return }
        context.logOfPeer(
            .forkWithThreads, .forkWithThreads, "forking with a second thread in the master: the worker may hang in a lock that it held",
            about: nil, ["threads": "\(threadList)"])
    }
}

/// The threads of this process. A fork copies only the thread that calls it: a lock that another holds at that moment stays locked in the
/// child forever. So the master has one thread.
enum MasterThreads {
    static func check() throws(ClusterError) {
        let count = cposix_thread_count()
        guard count >= 0 else { throw .system(SystemError(errno: errno, operation: "count the threads in /proc/self/task")) }
        guard count > 1 else { return }
        throw .severalThreads(names: names())
    }

    /// Nil where that can't be known.
    static var areSeveral: Bool? {
        switch cposix_has_several_threads() {
        case 0: false
        case 1: true
        default: nil
        }
    }

    static func names() -> [String] {
        guard let tasks = unsafe opendir("/proc/self/task") else { return [] }
        defer { unsafe closedir(tasks) }
        var names: [String] = []
        while let entry = unsafe readdir(tasks) {
            // Not by way of its field, which is copied whole: an entry is as long as its name.
            guard let start = unsafe cposix_entry_name(entry) else { continue }
            let task = unsafe String(cString: start.assumingMemoryBound(to: CChar.self))
            guard !task.hasPrefix("."), let name = readSmallFile("/proc/self/task/\(task)/comm") else { continue }
            names.append("\(name.split(separator: "\n").first ?? "?")")
        }
        return names
    }
}
