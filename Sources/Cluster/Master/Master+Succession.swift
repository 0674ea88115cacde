// Other programs in this one's place, and this one in another's.
// Process: master · Thread: loop

extension Master: SuccessionObserver {
    func successorReady(_ pid: Int32) {
        status.handOver(to: pid)
        queues.watch.stop()
    }

    func handedOver() {
        shutdown.limit(context.options.drainDeadline)
        reaped()
    }

    func tookOver() {
        queues.assignment.assign()
        // The file may have been renamed since this program opened it.
        lines.reopen()
        status.takeOver()
        status.workerReady()
    }

    func takeoverFailed() { shutdown.giveUp() }
}
