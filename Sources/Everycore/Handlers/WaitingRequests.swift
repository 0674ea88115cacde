// The requests whose async handlers wait for something, oldest first: kept so that the black box can name the one that a worker
// died in, also after the handler's first suspension. One per worker; on the loop's thread only.
//
// Nothing here is touched by a synchronous handler. An async one costs an entry, and a copy of its method and path each time
// that it goes on.

internal import Cluster
internal import EverycoreLoop
internal import EverycoreHTTP

final class WaitingRequests {
    /// One request in flight with an async handler.
    final class Entry {
        let head: RequestHead
        let since: UInt64
        fileprivate let endpoint: Endpoint?
        /// Keeps the head's bytes from being used for the next request.
        private let exchange: AnyObject
        fileprivate var task: UInt = 0
        fileprivate var isListed = false
        fileprivate var isOver = false
        fileprivate var older: Entry?
        fileprivate unowned(unsafe) var newer: Entry?

        init<Exchange: RequestExchange>(_ exchange: Exchange, _ endpoint: Endpoint?) {
            head = exchange.head
            since = exchange.start
            self.endpoint = endpoint
            self.exchange = exchange
        }
    }

    private let blackBox: BlackBox
    private let endpoints: EndpointTable?
    // The newest holds the next older one, and so on. `oldest` is the end of that chain.
    private var newest: Entry?
    private unowned(unsafe) var oldest: Entry?
    private var count = 0
    private var byTask: [UInt: Entry] = [:]
    private var isInside = false

    init(_ blackBox: BlackBox, _ endpoints: EndpointTable?, on loop: EventLoop) {
        self.blackBox = blackBox
        self.endpoints = endpoints
        loop.watchJobs { [self] task in goesOn(task) } ended: { [self] in waits() }
    }

    /// The handler has come to its first suspension, if it isn't over.
    func add<Failure>(_ entry: Entry, _ task: Task<Void, Failure>) {
        guard !entry.isOver else { return }
        entry.isListed = true
        entry.task = EventLoop.identity(of: task)
        byTask[entry.task] = entry
        entry.older = newest
        unsafe newest?.newer = entry
        newest = entry
        count += 1
        blackBox.setWaiting(count)
        if let endpoints, let endpoint = entry.endpoint { endpoints.beganToWait(endpoint.enter(endpoints)) }
        if unsafe oldest == nil { setOldest(entry) }
    }

    /// The handler is over.
    func remove(_ entry: Entry) {
        entry.isOver = true
        guard entry.isListed else { return }
        entry.isListed = false
        if byTask[entry.task] === entry { byTask[entry.task] = nil }
        let (older, newer) = unsafe (entry.older, entry.newer)
        if let newer { newer.older = older } else { newest = older }
        unsafe older?.newer = newer
        entry.older = nil
        unsafe entry.newer = nil
        count -= 1
        blackBox.setWaiting(count)
        if let endpoints, let endpoint = entry.endpoint { endpoints.endedToWait(endpoint.enter(endpoints)) }
        if unsafe oldest === entry { setOldest(newer) }
    }

    private func setOldest(_ entry: Entry?) {
        unsafe oldest = entry
        guard let entry else { return }
        withDescription(of: entry) { blackBox.setOldestWaiting($0, since: entry.since) }
    }

    private func goesOn(_ task: UInt) {
        guard count > 0, let entry = byTask[task] else { return }
        isInside = true
        withDescription(of: entry) { blackBox.enter($0, now: entry.since) }
        blackBox.setEndpoint(entry.endpoint?.number ?? 0)
    }

    private func waits() {
        guard isInside else { return }
        isInside = false
        blackBox.leave()
    }

    private func withDescription(of entry: Entry, _ body: (RawSpan) -> Void) {
        let head = entry.head
        head.withBytes(ByteRange(head.methodRange.start, head.pathRange.end)) { body($0) }
    }
}
