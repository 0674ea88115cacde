// The queues of connections: the listeners, which worker empties which of them, and whether it does.
// Process: master · Thread: loop

final class ConnectionQueues {
    let keeper: ListenerKeeper
    let assignment: QueueAssignment
    let watch: QueueWatch

    init(_ context: MasterContext, pool: WorkerPool, listeners: Listeners, handOver: [TransferSocket], quarantine: QuarantineMemory) {
        keeper = ListenerKeeper(context, pool: pool, listeners: listeners, handOver: handOver, quarantine: quarantine)
        assignment = QueueAssignment(context, pool: pool, keeper: keeper)
        watch = QueueWatch(context, pool: pool, keeper: keeper, assignment: assignment)
        keeper.onReplacing = { [unowned watch] replaced in watch.forget(replaced) }
        keeper.onReplaced = { [unowned watch] in watch.update() }
        assignment.onAssigned = { [unowned watch] in watch.update() }
    }

    /// Has them look after what waits in queues and which worker takes none of it.
    func tell(_ quarantine: Quarantine, _ health: HealthMonitor) {
        watch.onQuarantineWaiting = { [unowned quarantine] in quarantine.supervise() }
        watch.onQuarantineUnattended = { [unowned quarantine] in quarantine.becameDeaf() }
        watch.onLook = { [unowned health] now in health.decideStandIns(now: now) }
    }

    /// Closes what it owns.
    func stop() {
        keeper.close()
        assignment.stop()
        watch.stop()
    }
}
