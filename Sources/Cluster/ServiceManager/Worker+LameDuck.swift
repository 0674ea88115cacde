// The time between the order to go and the drain, as the worker sees it: it serves on, and says that it is not ready, so that load
// balancers look elsewhere before its listeners close. Runs in the worker process, on its loop.

struct LameDuckState {
    var isOn = false
    var handlers: [() -> Void] = []
}

extension Worker {
    /// Calls `body` when the cluster has been told to go and serves on for a while; see ``ClusterOptions/lameDuck``. The worker
    /// should answer every question for its readiness with no, and go on as before otherwise. Registered during that time, it is
    /// called at once.
    public func onLameDuck(_ body: @escaping () -> Void) {
        if isLameDuck { body() } else { lameDuck.handlers.append(body) }
    }

    func becomeLameDuck() {
        guard !isLameDuck else { return }
        lameDuck.isOn = true
        let handlers = lameDuck.handlers
        lameDuck.handlers = []
        for handler in handlers { handler() }
    }
}
