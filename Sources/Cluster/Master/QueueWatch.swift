// Notices workers that don't accept the connections that wait for them: stuck in a handler, stopped, or dead without anyone knowing.
// Runs in the master; owned by it.
//
// The master never accepts, but it can see that a queue isn't empty. Where nothing happens that costs nothing: a listener tells once
// that somebody came. From then on a timer compares what the worker has in its shared page: while that advances, it is well, and no
// system call is made for it. When it stands still, its queue is looked at.

internal import EverycoreLoop
internal import Glibc
internal import EverycoreStatistics

final class QueueWatch {
    private struct Slot {
        var arrivals: [DescriptorWatch] = []
        /// Whether the timer looks after it.
        var isActive = false
        var pid: Int32 = 0
        var progress: UInt64 = 0
        /// Turns of the timer without progress.
        var still = 0
    }

    private unowned let master: Master
    private var slots: [Int: Slot] = [:]
    private var timer: LoopTimer?

    private static let interval = Duration.milliseconds(20)
    /// Turns of the timer: after the first without progress a sign of life is asked for, after the last the worker is stuck.
    private static let patience = 3
    /// Turns of the timer with nothing to do before the listener has to tell again.
    private static let retention = 10

    init(master: Master) { self.master = master }

    func stop() {
        slots = [:]
        timer = nil
    }

    /// Watches the queues of slots that came into use.
    func update() {
        for slot in 0..<master.capacity where master.listeners.listens(slot) && slots[slot] == nil {
            var entry = Slot()
            for listener in master.listeners.own(slot) {
                // One that can't be watched is served all the same.
                guard let watch = try? master.loop.watch(listener.descriptor, for: .read, { [unowned self] _ in
                    activate(slot)
                }) else { continue }
                entry.arrivals.append(watch)
            }
            slots[slot] = entry
        }
        for (slot, entry) in slots where !master.listeners.listens(slot) {
            for watch in entry.arrivals { watch.cancel() }
            slots[slot] = nil
        }
    }

    private func activate(_ slot: Int) {
        for watch in slots[slot]?.arrivals ?? [] { watch.pause() }
        guard slots[slot]?.isActive == false, let child = worker(of: slot) else {
            // While it has no worker a sibling accepts.
            if slots[slot]?.isActive == false { slots[slot]?.isActive = true }
            return startTimer()
        }
        slots[slot]?.isActive = true
        slots[slot]?.pid = child.pid
        slots[slot]?.progress = progress(of: child)
        slots[slot]?.still = 0
        startTimer()
    }

    private func startTimer() {
        guard timer == nil else { return }
        timer = master.loop.every(Self.interval) { [unowned self] in look() }
    }

    private func worker(of slot: Int) -> Child? {
        master.children.values.first { $0.role == .worker(slot: slot) && $0.phase == .ready }
    }

    private func progress(of child: Child) -> UInt64 {
        let figures = child.page.figures
        return figures[.connectionsAccepted] &+ figures[.connectionsHandedOver] &+ figures[.requests] &+ child.page.blackBox.lastBeat
    }

    private func look() {
        var workers: [Int: Child] = [:]
        for child in master.children.values where child.phase == .ready && child.role.isWorker { workers[child.role.slot] = child }
        var idle: [Int] = []
        for (slot, var entry) in slots where entry.isActive {
            defer { slots[slot] = entry }
            guard let child = workers[slot], child.pid == entry.pid else {
                // Another worker has the slot, or none: look at that one anew.
                entry.pid = workers[slot]?.pid ?? 0
                entry.progress = workers[slot].map(progress) ?? 0
                entry.still = 0
                if workers[slot] == nil { idle.append(slot) }
                continue
            }
            let progress = progress(of: child)
            if progress != entry.progress {
                entry.progress = progress
                entry.still = 0
                continue
            }
            entry.still += 1
            idle.append(slot)
        }
        for child in workers.values where child.isStuck {
            if let entry = slots[child.role.slot], entry.pid == child.pid, entry.still == 0 { master.changed(child, toStuck: false) }
        }
        if !idle.isEmpty { examine(idle, workers) }
        if !slots.values.contains(where: \.isActive) { timer = nil }
    }

    /// Looks at the queues of workers that have made no progress: one system call for all.
    private func examine(_ idle: [Int], _ workers: [Int: Child]) {
        var requests: [pollfd] = []
        var owners: [Int] = []
        for slot in idle {
            for listener in master.listeners.own(slot) {
                requests.append(pollfd(fd: listener.descriptor, events: Int16(POLLIN), revents: 0))
                owners.append(slot)
            }
        }
        guard unsafe poll(&requests, nfds_t(requests.count), 0) >= 0 else { return }
        var waiting: Set<Int> = []
        for (request, slot) in zip(requests, owners) where request.revents != 0 { waiting.insert(slot) }
        for slot in idle {
            guard let child = workers[slot], let still = slots[slot]?.still else {
                // Whoever stands in empties it; the next worker of the slot will be looked at.
                if !waiting.contains(slot) { rest(slot) }
                continue
            }
            if child.isStuck { continue }
            if waiting.contains(slot) {
                if still == 1 { try? child.channel.send(control: Packet(.beat)) }
                if still >= Self.patience { master.changed(child, toStuck: true) }
            } else if still >= Self.retention {
                rest(slot)
            }
        }
    }

    /// Nobody waits: the listener tells when somebody comes.
    private func rest(_ slot: Int) {
        slots[slot]?.isActive = false
        slots[slot]?.still = 0
        for watch in slots[slot]?.arrivals ?? [] { watch.resume() }
    }
}
