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

/// What a watch calls that is its owner's part.
package protocol ReadinessOwner: AnyObject {
    func descriptorIsReady()
}

/// A watch that its owner alone holds. It costs less than one with a closure, in memory and each time. Cancel it before the descriptor
/// is closed.
package final class OwnedWatch: LoopEvent {
    private unowned(unsafe) let owner: any ReadinessOwner

    /// - Parameter owner: lives for as long as the watch is in force; nothing else is held while it is called.
    init(loop: EventLoop, descriptor: Int32, interest: Interest, owner: any ReadinessOwner) {
        unsafe self.owner = owner
        let flags = Int32(interest.rawValue) | EV_PERSIST
        super.init(loop: loop, descriptor: descriptor, flags: flags)
        unsafe assign(descriptor, flags) { _, _, context in
            guard let context = unsafe context else { return }
            // The watch isn't touched any more once its owner has been called, which may have dropped it.
            unsafe Unmanaged<OwnedWatch>.fromOpaque(context)._withUnsafeGuaranteedRef { unsafe $0.owner.descriptorIsReady() }
        }
    }

    package func pause() { remove() }

    package func resume() { _ = add() }
}
