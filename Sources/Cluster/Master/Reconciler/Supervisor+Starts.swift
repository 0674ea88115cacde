// What follows for a slot when a worker is ready or ends, and which starts are due.
// Process: master · Thread: loop

internal import EverycoreLoop
internal import EverycoreStatistics

// MARK: Starts and ends

extension Supervisor {
    mutating func enqueue(_ slot: Int, _ kind: StartQueue.Kind) {
        slots.change(slot) { $0.state = .due }
        queue.append(slot, kind)
    }

    mutating func ready(_ slot: Int, _ generation: Int, now: UInt64) -> [Action] {
        var actions: [Action] = []
        if slots.isCurrent(slot, generation), slots[slot].state == .starting {
            slots.change(slot) { $0.state = .ready }
        } else if slots.isSuccessor(slot, generation) {
            actions = [.retire(slot: slot, generation: slots[slot].generation)]
            slots.promote(slot, to: .ready)
        } else {
            return []
        }
        hangs.over()
        record.becameReady(slot, generation, now: now)
        noteGrownUp(now: now)
        return actions
    }

    mutating func ended(_ slot: Int, _ generation: Int, isFault: Bool, now: UInt64) -> [Action] {
        if slots.isSuccessor(slot, generation) {
            slots.dropSuccessor(of: slot)
            return [.replacementFailed(slot: slot, generation: generation, isFault: isFault)]
        }
        guard slots.isCurrent(slot, generation) else { return [] }
        guard slots[slot].successor == nil else {
            slots.promote(slot, to: .starting)
            return []
        }
        guard isFault else {
            slots.change(slot) { $0.failedStarts = 0 }
            enqueue(slot, .replacement)
            return []
        }
        slots.change(slot) { $0.failedStarts = min($0.failedStarts + 1, 1000) }
        guard !record.isProven || !givesUp else {
            enqueue(slot, .retry)
            return [.startFailed(slot: slot, generation: generation, pause: nil)]
        }
        let pause = policy.pause(afterFailedStarts: slots[slot].failedStarts, unit: random())
        slots.change(slot) { $0.state = .pausing(until: now.addingUpToLimit(pause.wholeNanoseconds)) }
        return [.startFailed(slot: slot, generation: generation, pause: pause)]
    }

    /// No worker serves or starts, although one could.
    var isDown: Bool { record.isProven && givesUp && slots.counts.ready == 0 && slots.counts.starting == 0 }

    mutating func startDue(now: UInt64) -> [Action] {
        if slots.counts.pausing > 0 {
            for slot in slots.indices { if case .pausing(let until) = slots[slot].state, until <= now { enqueue(slot, .replacement) } }
        }
        let due = queue.take(now: now, isDown: isDown) { slots[$0].state == .due }
        if !due.isEmpty { hangs.started(now: now) }
        return due.map { slot in
            let generation = slots.nextGeneration(slot)
            slots.change(slot) {
                $0.generation = generation
                $0.plan = plan
                $0.state = .starting
            }
            return .fork(slot: slot, generation: generation)
        }
    }
}

// MARK: Starts that hang

extension Supervisor {
    /// No worker serves, and all that start may hang.
    var isHanging: Bool { record.isProven && givesUp && slots.counts.ready == 0 && slots.counts.starting > 0 }

    /// Another start beside those that hang: what made them hang may be over. These go on until their deadline, since they may be slow and
    /// nothing else; the one beside them makes place for the next.
    mutating func startBeside(now: UInt64) -> [Action] {
        guard isHanging, now >= hangs.nextTry(longestStart: longestStart) else { return [] }
        let starting = slots.indices.filter { slots[$0].state == .starting }
        guard let slot = starting.first(where: { slots[$0].successor == nil }) ?? hangs.next(of: starting) else { return [] }
        let former = slots[slot].successor.map { Action.retire(slot: slot, generation: $0) }
        hangs.triedAgain(now: now)
        slots.begin(successor: slots.nextGeneration(slot), of: slot, plan: plan)
        return (former.map { [$0] } ?? []) + [.fork(slot: slot, generation: slots[slot].lastGeneration)]
    }
}
