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
            let others = listeners.ofAuxiliaries[index].filter { $0.address != listeners.control?.address }
            let left = UpgradeState.Auxiliary(
                name: auxiliary.name, addresses: auxiliary.addresses.map(\.description), listeners: others.map(UpgradeState.Socket.init),
                lastGeneration: reconciler.auxiliaries.lastGeneration(of: index))
            if auxiliary.addresses.isEmpty, plan.control?.auxiliary == auxiliary.name {
                state.silentAuxiliaries = [left]
            } else {
                state.auxiliaries.append(left)
            }
        }
        state.controlPlace = plan.control?.place.description ?? "off"
        state.control = listeners.controlListener.map(UpgradeState.Socket.init)
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
