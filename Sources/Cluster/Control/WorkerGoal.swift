// What an order wants of the workers, compared with what they are: so many of them, or others in certain slots. A pure value, asked again at
// each change: it needs no memory of what happened in between.
// Process: master · Thread: loop

package enum WorkerGoal: Equatable, Sendable {
    /// So many slots in use, a worker ready in each, and none left in others.
    case count(Int)
    /// A worker of a later generation is ready in the slot.
    case replaced(slot: Int, generation: Int)

    package enum State: Equatable, Sendable {
        case reached
        case pending(String)
        case failed(String)
    }

    /// - Parameters:
    ///   - slots: those in use.
    ///   - leaving: how many workers of other slots still live.
    package func state(_ slots: [SlotState], leaving: Int) -> State {
        switch self {
        case .count(let count):
            guard slots.count == count else { return .failed("another order has set \(slots.count) workers meanwhile") }
            let ready = slots.count { $0.current?.isStarting == false }
            if ready < count { return .pending("\(ready) of \(count) workers are ready") }
            return leaving == 0 ? .reached : .pending("\(leaving) \(leaving == 1 ? "worker finishes" : "workers finish") what is in flight")
        case .replaced(let slot, let generation):
            guard let state = slots.first(where: { $0.slot == slot }) else { return .failed("slot \(slot) is not in use any more") }
            guard let current = state.current, current.generation > generation, !current.isStarting else {
                return .pending("the new worker of slot \(slot) gets ready")
            }
            return .reached
        }
    }

    /// Whether a start that failed there is this goal's failure.
    /// - Parameter before: how many slots were in use when the order came.
    package func isFailed(byStartIn slot: Int, before: Int) -> Bool {
        switch self {
        case .count(let count): slot >= before && slot < count
        case .replaced(let own, _): slot == own
        }
    }

    /// The generations of the workers that serve, for the answer: `generation 12`, `generations 3 to 12`.
    package static func generations(_ slots: [SlotState]) -> String {
        let all = slots.compactMap { $0.current?.generation }
        guard let first = all.min(), let last = all.max() else { return "none serves" }
        return first == last ? "generation \(first)" : "generations \(first) to \(last)"
    }
}
