// A timer that is never later than asked for. When many events ask at once, one timer serves them all.
// Process: master · Thread: loop

internal import EverycoreLoop

final class LoopAlarm {
    private let loop: EventLoop
    private var timer: LoopTimer?
    private var dueAt: UInt64 = 0

    init(_ loop: EventLoop) { self.loop = loop }

    func stop() { timer = nil }

    /// - Parameter time: in monotonic nanoseconds; one that is over is the loop's next turn.
    func set(at time: UInt64, _ body: @escaping () -> Void) {
        let now = EventLoop.monotonicNanoseconds()
        let time = max(time, now)
        if timer != nil, dueAt <= time { return }
        dueAt = time
        timer = loop.after(.from(now, to: time)) { [unowned self] in
            timer = nil
            body()
        }
    }
}
