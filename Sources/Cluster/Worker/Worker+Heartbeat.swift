// The sign that the worker's loop turns, left where the master sees it without asking. Runs in the worker, on its loop.

internal import EverycoreLoop

extension Worker {
    func startBeating() {
        blackBox.beat(now: startedAt)
        beatTimer = loop.every(options.beatInterval) { [unowned self] in
            blackBox.beat(now: EventLoop.monotonicNanoseconds())
        }
    }
}
