// What the code in the master can do to a worker, and how it stands. Runs in the master.

extension WorkerHandle {
    /// Whether the process has ended: then ``exit`` says how.
    public var isDead: Bool { exit != nil }

    /// Lets the worker go in order: it takes nothing new, finishes what is in flight for at most
    /// ``ClusterOptions/drainDeadline``, and exits. The cluster keeps its count: the successor starts meanwhile.
    /// Does nothing when it has been told already, or is dead.
    public func disconnect() { pool?.disconnect(self) }

    /// Sends the process a signal, TERM (15) unless another is named. TERM lets it drain as ``disconnect()`` does, KILL ends it at once; INT, HUP, USR1, USR2,
    /// TTIN and TTOU are ignored by workers. The cluster keeps its count: a successor starts.
    /// - Returns: false when the worker is dead, and nothing was sent.
    @discardableResult
    public func kill(_ signal: Int32 = 15) -> Bool { pool?.signal(self, signal) ?? false }
}
