// The cluster's listeners with those among them that the service manager has opened. Runs in the master, before the first fork.

extension Listeners {
    /// Opens what isn't inherited.
    static func open(
        for plan: ClusterPlan, slots: Int, capacity: Int
    ) throws(ClusterError) -> (listeners: Listeners, inherited: InheritedListeners) {
        let options = plan.options
        let inherited = try InheritedListeners.take(for: plan.auxiliaries, backlog: options.backlog)
        var listeners = try Listeners(
            addresses: inherited.service.isEmpty ? plan.addresses : [], slots: slots, capacity: capacity,
            auxiliaries: plan.auxiliaries.indices.map { inherited.auxiliaries[$0] == nil ? plan.auxiliaries[$0].addresses : [] },
            yielding: Set(plan.auxiliaries.indices.filter { plan.auxiliaries[$0].yields }), backlog: options.backlog, access: SocketAccess(options))
        listeners.adopt(inherited)
        return (listeners, inherited)
    }

    /// All slots accept from each inherited socket.
    private mutating func adopt(_ inherited: InheritedListeners) {
        for slot in ofSlots.indices { ofSlots[slot] += inherited.service }
        inheritedDescriptors.formUnion(inherited.service.map(\.descriptor))
        for (index, listeners) in inherited.auxiliaries where ofAuxiliaries.indices.contains(index) {
            ofAuxiliaries[index] += listeners
        }
        noteSettings()
    }
}
