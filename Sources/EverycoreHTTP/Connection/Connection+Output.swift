// A connection's bytes on their way out: sent at once; only what the transport doesn't take waits for it.
// Process: worker · Thread: loop

import EverycoreLoop
import EverycoreStatistics

extension Connection {
    /// Sends what a buffer holds. What the transport doesn't take is kept, and nothing more is read until it is gone.
    ///
    /// - Parameter moreFollows: keeps the kernel from sending a short last segment before the next bytes come (MSG_MORE, send(2)).
    func flush(_ output: inout OutputBuffer, moreFollows: Bool = false) {
        // The end follows at once: it travels with the last bytes, and the client is woken once.
        send(&output, moreFollows: moreFollows || ending.closes)
        outputIsSent()
    }

    @inline(__always)
    func outputIsSent() {
        guard phase != .closed, !queue.isBlocked else { return }
        recordLatency()
        if ending.closes { finishClosing() }
    }

    /// As `flush`, and the connection goes on whatever it has answered.
    @inline(__always)
    func send(_ output: inout OutputBuffer, moreFollows: Bool = false) {
        guard !output.isEmpty else { return }
        if queue.isBlocked { return queue.keep(&output) }
        write(&output, moreFollows: moreFollows)
        guard phase != .closed else { return output.removeAll() }
        guard output.isEmpty else {
            queue.keep(&output)
            queue.isBlocked = true
            return waitForRoom()
        }
    }

    /// One attempt to send; consumes what went. A failed connection is closed.
    @inline(__always)
    @discardableResult
    private func write(_ buffer: inout OutputBuffer, moreFollows: Bool = false) -> Int {
        switch unsafe transport.send(buffer.waiting, moreFollows: moreFollows) {
        case .bytes(let count):
            service.figures.add(.bytesOut, UInt64(count))
            buffer.consume(count)
            return count
        case .notNow: return 0
        case .ended, .refused, .failed:
            // Before handlers are notified, which may answer other connections through the same buffer.
            buffer.removeAll()
            closeNow(.incomplete)
            return 0
        }
    }

    func waitForRoom() {
        // The time of a client that takes its answer portion by portion runs on.
        guard watches.write == nil else { return }
        let now = EventLoop.monotonicNanoseconds()
        beginWriteTime(now)
        queue.hold(in: service.held, since: now)
        do {
            watches.write = try service.loop.watch(unsafe transport.descriptor, for: .write) { [unowned self] _ in writable() }
        } catch {
            closeNow(.incomplete)
        }
    }

    /// Yield: resume on the next loop iteration, as after EAGAIN.
    func yieldToLoop() {
        queue.isBlocked = true
        waitForRoom()
    }

    private func beginWriteTime(_ now: UInt64) {
        setDeadline(service.timeouts.write, from: now)
        queue.progress.begin(undelivered: unsafe transport.unacknowledgedBytes)
    }

    /// The time for some progress is over.
    func writeTimePassed(_ now: UInt64) {
        let taken = queue.progress.taken(undelivered: unsafe transport.unacknowledgedBytes)
        let (wanted, overflow) = service.connectionLimits.bodyMinimumRate.multipliedReportingOverflow(by: service.timeouts.write)
        if !overflow, taken > 0, taken >= wanted / 1_000_000_000 {
            if queue.pace.hasBecomeSlow(taken: taken, in: service.timeouts.write) { setFast(false) }
            return beginWriteTime(now)
        }
        giveUpWriting()
    }

    func giveUpWriting() {
        service.figures.add(.timeoutsWrite, 1)
        // A proper end would wait behind the bytes that the client doesn't take, in the kernel's memory.
        unsafe transport.resetOnClose()
        closeNow(.incomplete)
    }

    // MARK: Pace

    /// Bytes that the kernel takes beyond what it has sent have a bound. It costs a client that reads fast: there is room again each
    /// few ten KB, and a large response is sent in as many steps. So it holds until the client has shown to be fast, and again when
    /// it no longer is. So many connections of a worker are without it at a time: what all of them can make the kernel hold has one.
    private static var fastConnections: Int { 128 }

    /// There is room again. As long as the bound holds, that means that the client's side took half of it.
    private func measurePace() {
        guard !queue.isFast else { return }
        if queue.pace.hasRoom(at: EventLoop.monotonicNanoseconds()) { setFast(true) }
    }

    func setFast(_ isFast: Bool) {
        guard !isFast || service.fastConnections < Self.fastConnections else { return }
        queue.pace.isFast = isFast
        service.fastConnections &+= isFast ? 1 : -1
        unsafe transport.boundUnsent(isFast ? 0 : Pace.unsentBound)
    }

    private func writable() {
        guard phase != .closed else { return }
        if queue.unsentCount > 0 || streaming != nil { measurePace() }
        if var buffer = queue.takeUnsent() {
            queue.sent(write(&buffer, moreFollows: streaming?.file != nil))
            guard phase != .closed else { return }
            guard buffer.isEmpty else { return queue.putBack(buffer) }
        }
        queue.isBlocked = false
        if streaming?.file != nil { return sendFile() }
        endWriteTime()
        recordLatency()
        if ending.closes { return finishClosing() }
        resumeReading()
        if let streaming {
            stopTime()
            streaming.wakeWaiters()
        } else if input.count > 0, phase != .waiting {
            processKept()
        } else {
            goOn()
        }
    }

    func endWriteTime() {
        watches.write?.cancel()
        watches.write = nil
    }
}
