// One libevent event and the Swift closure behind it: the base of timers, signals and descriptor watches.
// Lives on its loop's thread. Owned by the caller that asked for it: the event ends with the last reference.
// Process: any · Thread: loop

import CEverycoreLibevent
import Glibc

/// A registration with an event loop. It is in force until it is cancelled or the last reference to it is dropped.
@safe public class LoopEvent {
    unowned(unsafe) let loop: EventLoop
    let event: UnsafeMutablePointer<CEverycoreLibevent.event>
    /// Not for the loop's own events, which it drops before it goes itself.
    private let keepsLoop: Bool
    private var isCancelled = false

    init(loop: EventLoop, descriptor: Int32, flags: Int32, keepsLoop: Bool = true) {
        unsafe self.loop = loop
        self.keepsLoop = keepsLoop
        if keepsLoop { _ = unsafe Unmanaged.passRetained(loop) }
        unsafe event = loop.eventMemory.take()
        unsafe assign(descriptor, flags) { _, flags, context in
            guard let context = unsafe context else { return }
            // Holding a reference lets the handler cancel or drop its own watch.
            let registration = unsafe Unmanaged<LoopEvent>.fromOpaque(context).takeUnretainedValue()
            registration.fire(flags)
        }
    }

    /// Says what libevent calls, with this object as its context. Before the event is added.
    final func assign(_ descriptor: Int32, _ flags: Int32, _ callback: event_callback_fn) {
        unsafe event_assign(
            event, unsafe loop.base, descriptor, Int16(truncatingIfNeeded: flags), callback, Unmanaged.passUnretained(self).toOpaque())
    }

    deinit {
        // After a fork the child has given up the loop: libevent's memory is gone, only ours is left.
        if unsafe !loop.isAbandoned { unsafe event_del(event) }
        unsafe loop.eventMemory.giveBack(event)
        if keepsLoop { unsafe Unmanaged.passUnretained(loop).release() }
    }

    func fire(_ flags: Int16) {}

    func add(timeout: Duration? = nil) -> Bool {
        guard !isCancelled, unsafe !loop.isAbandoned else { return false }
        guard let timeout else { return unsafe event_add(event, nil) == 0 }
        var time = timeval(timeout)
        return unsafe event_add(event, &time) == 0
    }

    func remove() {
        if unsafe !loop.isAbandoned { unsafe event_del(event) }
    }

    /// Ends the registration. The handler isn't called again. May be called from the handler, and more than once.
    public func cancel() {
        isCancelled = true
        remove()
    }
}

extension timeval {
    /// Rounded up to whole microseconds, so that nothing fires early; negative durations count as zero.
    init(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        guard seconds >= 0, attoseconds >= 0 else {
            self.init(tv_sec: 0, tv_usec: 0)
            return
        }
        let microseconds = (attoseconds &+ 999_999_999_999) / 1_000_000_000_000
        // libevent adds this to the clock; a century is more than any timer needs and can't overflow.
        let bounded = min(seconds, 3_155_760_000)
        self.init(tv_sec: Int(bounded &+ microseconds / 1_000_000), tv_usec: Int(microseconds % 1_000_000))
    }
}
