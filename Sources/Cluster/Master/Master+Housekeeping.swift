// What the master looks at once a second by itself: its terminal, its threads, its output.
//
// Process: master · Thread: loop

internal import CEverycorePosix
internal import EverycoreLoop
internal import Logging

extension Master {
    func keepHouse() {
        housekeeping = loop.every(.seconds(1)) { [unowned self] in
            let now = EventLoop.monotonicNanoseconds()
            lookAtTerminal(now: now)
            lookAtThreads(now: now)
            openFiles.follow()
            if let lost = lostLines.looked(total: cposix_lost_lines(1), now: now) {
                log(.warning, .outputLost, "lines of standard output were lost: the reader was too slow", ["lost": "\(lost)"])
            }
        }
    }

    private var hasSeveralThreads: Bool? {
        switch cposix_has_several_threads() {
        case 0: false
        case 1: true
        default: nil
        }
    }

    private func lookAtThreads(now: UInt64) {
        // One that follows has its own chance; one that leaves forks no more.
        guard stopping == .running, upgrade == nil, succession == nil else { return }
        switch threads.looked(several: hasSeveralThreads, now: now) {
        case .report:
            log(.error, .masterHasThreads, "the master has a second thread, which no fork copies: start it in a worker", ["threads": "\(threadList)"])
        case .heal:
            log(.warning, .masterReexecuted, "starting the program anew, without the master's threads", ["threads": "\(threadList)"])
            upgradeInPlace()
        case nil:
            break
        }
    }

    private var threadList: String { LogText.plain(Self.threadNames().joined(separator: " ")) }

    /// A worker that is needed now is made in spite of a second thread: one that hangs in a lock is a failed start, none is an outage.
    func lookForThreadsBeforeFork() {
        guard hasSeveralThreads == true, lines.allows(.forkWithThreads, now: EventLoop.monotonicNanoseconds()) != nil else { return }
        log(.warning, .forkWithThreads, "forking with a second thread in the master: the worker may hang in a lock that it held", ["threads": "\(threadList)"])
    }
}
