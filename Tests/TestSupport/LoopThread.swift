// An event loop that turns on a thread of its own while the test's thread plays the client.

package import EverycoreLoop
import Glibc

@safe package final class LoopThread {
    private let loop: EventLoop
    private var thread = pthread_t()
    private var isStopped = false

    /// Returns when the loop turns: until then it takes the calling thread for its own.
    package init(_ loop: EventLoop) {
        self.loop = loop
        let unmanaged = unsafe Unmanaged.passRetained(loop)
        unsafe pthread_create(
            &thread, nil,
            { context in
                guard let context = unsafe context else { return nil }
                unsafe Unmanaged<EventLoop>.fromOpaque(context).takeRetainedValue().run()
                return nil
            }, unsafe unmanaged.toOpaque())
        while loop.isOnLoop { sched_yield() }
    }

    /// Stops the loop and waits for its thread.
    package func stop() {
        guard !isStopped else { return }
        isStopped = true
        loop.stop()
        pthread_join(thread, nil)
    }

    deinit { stop() }
}
