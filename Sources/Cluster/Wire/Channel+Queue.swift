// What waits because the socket is full, and the senders that wait for room. Either side of a channel, on its process's loop.

internal import EverycoreLoop
internal import Glibc

extension Channel {
    /// Calls `attempt` when there is room, until it has sent what it has to; in the order of the calls.
    /// - Returns: a number to give up with.
    @discardableResult
    func waitForRoom(_ attempt: @escaping (MessageError?) -> Bool) -> Int {
        sending.lastWaiter &+= 1
        sending.waiters.append(Waiter(number: sending.lastWaiter, attempt: attempt))
        return sending.lastWaiter
    }

    func stopWaiting(_ number: Int) {
        sending.waiters.removeAll { $0.number == number }
        serveWaiters()
    }

    /// Half of the queue is free: no sender should come for each single place.
    var hasRoomToOffer: Bool {
        unsafe !sending.isBlocked
            || (sending.waitingCount + sending.batchCount <= options.queueCount / 2
                && sending.waitingByteCount + sending.batch.count <= options.queueByteCount / 2)
    }

    /// Nothing is in the way of any message.
    var isFree: Bool { !sending.isBlocked && sending.files.isEmpty && sending.waiters.isEmpty }

    func serveWaiters() {
        guard !sending.waiters.isEmpty, !sending.isServingWaiters else { return }
        sending.isServingWaiters = true
        defer { sending.isServingWaiters = false }
        // Who comes back, having found that there is still no room for a large message, waits for the next time.
        let last = sending.lastWaiter
        while isOpen, hasRoomToOffer, let first = sending.waiters.first, first.number <= last {
            guard first.attempt(nil) else { return }
            // It may have gone meanwhile, and the channel may have been closed.
            if sending.waiters.first?.number == first.number { sending.waiters.removeFirst() }
        }
    }
}

extension Int {
    func multipliedUpToLimit(by factor: Int) -> Int {
        let (product, overflow) = multipliedReportingOverflow(by: factor)
        return overflow ? .max : product
    }
}
