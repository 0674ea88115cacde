// Listeners that go from one master to the next. Runs in both.

internal import Glibc

extension Listeners {
    /// Runs in the old master.
    func describe(in state: inout UpgradeState) {
        state.slots = ofSlots.map { $0.map(UpgradeState.Socket.init) }
        state.listening = listening
        state.inherited = inheritedDescriptors.sorted()
        state.socketPaths = socketFiles.map(\.path)
        state.socketFiles = socketFiles
    }

    /// Runs in the old master: what listens, and the paths of Unix sockets, are the other one's.
    mutating func leaveToSuccessor() { socketFiles = [] }

    /// Runs in the new master: takes what the old one had, and opens what more slots need. None of these listens before this master has
    /// taken over: no process would accept from it, and the old one knows nothing of it where it stays.
    init(taking state: UpgradeState, for plan: ClusterPlan, capacity: Int) throws(ClusterError) {
        backlog = plan.options.backlog
        access = SocketAccess(plan.options)
        listening = state.listening
        ofSlots = state.slots.map { $0.map(\.listener) }
        ofAuxiliaries = plan.auxiliaries.map { auxiliary in state.auxiliary(auxiliary.name)?.listeners.map(\.listener) ?? [] }
        inheritedDescriptors = Set(state.inherited)
        guard let first = ofSlots.first else { throw .badUpgrade("it has no slots") }
        while ofSlots.count < capacity {
            var listeners: [Listener] = []
            for listener in first {
                guard let port = listener.address.port, !inheritedDescriptors.contains(listener.descriptor) else {
                    listeners.append(listener)
                    continue
                }
                let isShared = first.contains { $0.address != listener.address && $0.address.port == port }
                listeners.append(try open(listener.address, isShared: true, onlyIPv6: isShared, listens: false))
            }
            ofSlots.append(listeners)
        }
        if let left = state.control, let control = plan.control,
            let auxiliary = plan.auxiliaries.firstIndex(where: { $0.name == control.auxiliary })
        {
            add(control: left.listener, of: auxiliary)
        }
        noteSettings()
    }
}
