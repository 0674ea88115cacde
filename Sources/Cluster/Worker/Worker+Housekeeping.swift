// What a worker looks at once a second, whatever it serves.
//
// Process: worker · Thread: loop

internal import CEverycorePosix
internal import EverycoreLoop
internal import Logging

extension Worker {
    func keepHouse() {
        openFiles.follow()
        housekeeping = loop.every(.seconds(1)) { [unowned self] in
            cposix_unblock_terminal_signals()
            openFiles.follow()
            if let lost = lostLines.looked(total: cposix_lost_lines(1), now: EventLoop.monotonicNanoseconds()) {
                logger.log(.warning, .outputLost, "lines of standard output were lost: the reader was too slow", metadata: ["lost": "\(lost)"])
            }
        }
    }
}
