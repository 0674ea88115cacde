// Readiness of descriptors, level-triggered. On the loop's thread. The watch doesn't own the descriptor.
// Process: any · Thread: loop

import CEverycoreLibevent

/// Calls its handler whenever the descriptor is ready for what was asked. Cancel it before the descriptor is closed.
public final class DescriptorWatch: LoopEvent {
    private let body: (Interest) -> Void
    /// What is called instead where the watch is its owner's part.
    private let ownersBody: ((AnyObject) -> Void)?
    private unowned(unsafe) let owner: AnyObject?

    init(
        loop: EventLoop, descriptor: Int32, interest: Interest, keepsLoop: Bool = true,
        body: @escaping (Interest) -> Void
    ) {
        self.body = body
        ownersBody = nil
        unsafe owner = nil
        super.init(
            loop: loop, descriptor: descriptor, flags: Int32(interest.rawValue) | EV_PERSIST, keepsLoop: keepsLoop)
    }

    /// - Parameters:
    ///   - owner: lives for as long as the watch is in force; all that is held while `body` runs.
    ///   - body: gets the owner, and captures nothing.
    init(loop: EventLoop, descriptor: Int32, interest: Interest, owner: AnyObject, body ownersBody: @escaping (AnyObject) -> Void) {
        body = { _ in }
        self.ownersBody = ownersBody
        unsafe self.owner = owner
        let flags = Int32(interest.rawValue) | EV_PERSIST
        super.init(loop: loop, descriptor: descriptor, flags: flags)
        unsafe assign(descriptor, flags) { _, _, context in
            guard let context = unsafe context else { return }
            // The watch isn't touched any more once its owner has been called, which may have dropped it.
            unsafe Unmanaged<DescriptorWatch>.fromOpaque(context)._withUnsafeGuaranteedRef { watch in
                if let body = watch.ownersBody, let owner = unsafe watch.owner { body(owner) }
            }
        }
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
