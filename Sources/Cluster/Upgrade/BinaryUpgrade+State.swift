// What this master leaves to the program that takes its place.
// Process: master · Thread: loop

internal import EverycoreLoop

extension BinaryUpgrade {
    func makeState(channel: Int32) -> UpgradeState {
        let plan = context.plan
        let listeners = keeper.listeners
        var state = UpgradeState()
        state.channel = channel
        state.addresses = plan.addresses.map(\.description)
        listeners.describe(in: &state)
        state.handOver = keeper.handOver.map(\.pair.descriptors)
        for (index, auxiliary) in plan.auxiliaries.enumerated() {
            state.auxiliaries.append(
                .init(
                    name: auxiliary.name, addresses: auxiliary.addresses.map(\.description),
                    listeners: listeners.ofAuxiliaries[index].map(UpgradeState.Socket.init),
                    lastGeneration: reconciler.auxiliaries.lastGeneration(of: index)))
        }
        state.lastGenerations = (0..<pool.capacity).map(reconciler.workers.lastGeneration(of:))
        state.lastWorkerID = pool.lastWorkerID
        state.guardian = context.pid == 1 ? 1 : guardian
        state.arguments = program.arguments
        state.hasAnswered = pool.hasAnswered(context.planVersion)
        state.answered = quarantine.answeredEndpoints().map { Array($0) }
        state.deadly = Array(reconciler.deadly)
        state.startedAt = figures.startedAt
        state.programPath = program.path
        state.healing = housekeeping.healing
        state.workers = reconciler.workerCount
        state.isScalingHeld = isScalingHeld()
        state.history = figures.history.descriptor
        return state
    }
}
