// What serves connections in a worker, as the cluster sees it. Implemented for each protocol.

/// Accepts connections and serves them, in a worker process, on its loop.
///
/// The cluster tells it which listening sockets to accept from: those of the worker's slot, and while a sibling is dead or stuck
/// those of the sibling's. Give it to ``Worker/serveConnections(with:)``.
public protocol ConnectionService: AnyObject {
    /// Accept connections from this listening, nonblocking socket, which stays the cluster's. For each accepted connection call
    /// ``Worker/handOver(_:)``, and serve it only when that says false.
    func startAccepting(from listener: Listener) throws
    /// Accept no more from it. What waits in its queue is for others.
    func stopAccepting(from listener: Listener)
    /// Serve a connection that another worker has accepted. Its descriptor is nonblocking, close-on-exec, and the service's from here on.
    /// - Parameter isNew: false when the other worker has served it, and gave it away between two requests.
    func take(_ connection: Int32, isNew: Bool)
}
