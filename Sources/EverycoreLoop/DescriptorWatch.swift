// Readiness of descriptors, level-triggered. On the loop's thread. The watch doesn't own the descriptor.
// Process: any · Thread: loop

import CEverycoreLibevent

/// Calls its handler whenever the descriptor is ready for what was asked. Cancel it before the descriptor is closed.
public final class DescriptorWatch: LoopEvent {
    private let body: (Interest) -> Void

    init(
        loop: EventLoop, descriptor: Int32, interest: Interest, keepsLoop: Bool = true,
        body: @escaping (Interest) -> Void
    ) {
        self.body = body
        super.init(
            loop: loop, descriptor: descriptor, flags: Int32(interest.rawValue) | EV_PERSIST, keepsLoop: keepsLoop)
    }

    override func fire(_ flags: Int16) {
        body(Interest(rawValue: flags))
    }

    /// Stops calling the handler until `resume()`; costs one epoll_ctl(2) each.
    public func pause() {
        remove()
    }

    /// Starts calling the handler again. Resuming a watch that isn't paused changes nothing.
    public func resume() {
        _ = add()
    }
}
