// The control socket's side of the master: the desk that orders come to, the verbs, and what those who ordered are told in the end.
// Process: master · Thread: loop

/// What those are told who have ordered something about workers.
protocol RolloutObserver: AnyObject {
    /// A reload or a restart is over.
    /// - Parameter count: how many workers the new plan wants, where that is another number.
    func rolloutEnded(_ outcome: OrderOutcome, wants count: Int?)
    /// A worker failed to start, or a successor before it was ready.
    func startFailed(slot: Int, _ reason: String)
    func workerReady()
    /// Other settings are in force.
    func planChanged()
}

final class Control {
    private let desk: ControlDesk
    private let verbs: ControlVerbs
    private let succession: Succession

    /// - Parameter seat: nil where there is no control socket.
    init(
        _ context: MasterContext, pool: WorkerPool, reconciler: Reconciler, quarantine: Quarantine, succession: Succession, shutdown: Shutdown,
        orders: MasterOrders, seat: ControlSeat?
    ) {
        self.succession = succession
        desk = ControlDesk(context, pool: pool, seat: seat)
        verbs = ControlVerbs(
            context, pool: pool, reconciler: reconciler, quarantine: quarantine, succession: succession, orders: orders)
        verbs.add(to: desk)
        reconciler.rolloutObserver = self
        shutdown.onBegin = { [unowned self] in verbs.stopBegins() }
        shutdown.onWorkersGone = { [unowned self] in verbs.workersAreGone() }
    }

    func received(_ packet: Packet, _ descriptor: Int32, from child: Child) { desk.received(packet, descriptor, from: child) }

    func workersChanged() { verbs.workersChanged() }

    func stop() {
        desk.stop()
        verbs.stop()
    }
}

extension Control: RolloutObserver {
    func rolloutEnded(_ outcome: OrderOutcome, wants count: Int?) {
        guard case .done(let text) = outcome else { return succession.orders.rolloutFailed(outcome) }
        if let count { verbs.awaitWorkers(count, for: succession.orders.takeReloadAnswers()) }
        succession.orders.rolloutEnded(text)
    }

    func startFailed(slot: Int, _ reason: String) { verbs.startFailed(slot: slot, reason) }
    func workerReady() { verbs.workersChanged() }
    func planChanged() { desk.planChanged() }
}
