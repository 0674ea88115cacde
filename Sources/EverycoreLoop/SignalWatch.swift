// Signals, delivered as ordinary callbacks on the loop's thread through libevent's self-pipe.
// Process: any · Thread: loop

import CEverycoreLibevent

/// A handler for one signal number. Dropping or cancelling it restores the disposition the signal had before.
public final class SignalWatch: LoopEvent {
    private let body: () -> Void

    init(loop: EventLoop, number: Int32, body: @escaping () -> Void) {
        self.body = body
        super.init(loop: loop, descriptor: number, flags: EV_SIGNAL | EV_PERSIST)
    }

    override func fire(_ flags: Int16) {
        body()
    }
}
