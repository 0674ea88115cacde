// The orders that wait for workers to become what is wanted. They are looked at after each change, once in a turn of the loop.
// Process: master · Thread: loop

internal import EverycoreLoop

final class WorkerGoals {
    private struct Pursuit {
        let goal: WorkerGoal
        /// How many slots were in use when it began.
        let before: Int
        let answer: ControlAnswer
        /// What to say in the end, without the time.
        let text: () -> String
    }

    private let pool: WorkerPool
    private let reconciler: Reconciler
    private let alarm: LoopAlarm
    private var pursuits: [Pursuit] = []

    init(_ context: MasterContext, pool: WorkerPool, reconciler: Reconciler) {
        self.pool = pool
        self.reconciler = reconciler
        alarm = LoopAlarm(context.loop)
    }

    func stop() {
        alarm.stop()
        pursuits = []
    }

    func pursue(_ goal: WorkerGoal, before: Int, for answer: ControlAnswer, _ text: @escaping () -> String) {
        pursuits.append(Pursuit(goal: goal, before: before, answer: answer, text: text))
        changed()
    }

    /// A worker has become ready, has ended, or was told to go.
    func changed() {
        guard !pursuits.isEmpty else { return }
        alarm.set(at: 0) { [unowned self] in look() }
    }

    /// A worker failed to start.
    func startFailed(slot: Int, _ reason: String) {
        end { pursuit in pursuit.goal.isFailed(byStartIn: slot, before: pursuit.before) ? "\(reason); the master goes on trying" : nil }
    }

    /// Nothing is carried out any more.
    func abandon(_ reason: String) { end { _ in reason } }

    private func look() {
        let slots = reconciler.workers.states
        let used = Set(slots.map(\.slot))
        let leaving = pool.workers.count { !used.contains($0.role.slot) }
        pursuits.removeAll { pursuit in
            switch pursuit.goal.state(slots, leaving: leaving) {
            case .pending(let text):
                pursuit.answer.progress(text)
                return pursuit.answer.isOver
            case .reached:
                pursuit.answer.end(.done(pursuit.text()))
                return true
            case .failed(let reason):
                pursuit.answer.failed(reason)
                return true
            }
        }
    }

    private func end(_ reason: (Pursuit) -> String?) {
        pursuits.removeAll { pursuit in
            guard let reason = reason(pursuit) else { return false }
            pursuit.answer.failed(reason)
            return true
        }
    }
}
