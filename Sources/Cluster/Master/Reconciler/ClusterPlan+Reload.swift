// What a reload goes on with of a new description, and why it can't.
// Process: master · Thread: loop

extension ClusterPlan {
    /// What a reload goes on with.
    /// - Throws: when what can't change while connections are open has changed.
    func merged(with next: ClusterPlan) throws -> ClusterPlan {
        guard next.addresses == addresses else { throw ReloadError.addressesChanged }
        guard next.auxiliaries.map(\.name) == auxiliaries.map(\.name), next.auxiliaries.map(\.addresses) == auxiliaries.map(\.addresses)
        else { throw ReloadError.auxiliariesChanged }
        guard next.control == control else { throw ReloadError.controlChanged }
        var merged = next
        merged.handlers = handlers
        merged.handedStates = handedStates
        merged.onReload = onReload
        try merged.options.findCredentials()
        return merged
    }
}

/// Why a new description can't take the place of the present one.
enum ReloadError: Error, CustomStringConvertible {
    case addressesChanged, auxiliariesChanged, controlChanged

    var description: String {
        switch self {
        case .addressesChanged: "other addresses to listen on need a restart"
        case .auxiliariesChanged: "another admin address, or other auxiliaries, need a restart"
        case .controlChanged: "another control socket needs a restart"
        }
    }
}
