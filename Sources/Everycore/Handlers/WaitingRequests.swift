// The requests whose async handlers wait for something, oldest first: kept so that the black box can name the one that a worker
// died in, also after the handler's first suspension. One per worker; on the loop's thread only.
//
// Nothing here is touched by a synchronous handler. An async one costs an entry, and a copy of its method and path each time
// that it goes on.

internal import Cluster
internal import EverycoreHTTP
internal import EverycoreLoop

final class WaitingRequests {
    /// One request in flight with an async handler: its task's, which may have one after the other.
    final class Entry {
        fileprivate var head: RequestHead?
        fileprivate var since: UInt64 = 0
        fileprivate var endpoint: Endpoint?
        /// Keeps the head's bytes from being used for the next request.
        private var exchange: AnyObject?
        /// 0 before its first request waits.
        fileprivate var task: UInt = 0
        fileprivate var isListed = false
        /// Where the black box has it; -1 where there was no room.
        fileprivate var place = -1
        /// Its task makes the content of a response that has begun.
        private(set) var isStreaming = false
        fileprivate(set) var isOver = false
        fileprivate var older: Entry?
        fileprivate unowned(unsafe) var newer: Entry?

        init(isStreaming: Bool = false) { self.isStreaming = isStreaming }

        fileprivate func begin<Exchange: RequestExchange>(_ exchange: Exchange, _ endpoint: Endpoint?) {
            head = exchange.head
            since = exchange.start
            self.endpoint = endpoint
            self.exchange = exchange
        }

        fileprivate func end() { (head, endpoint, exchange) = (nil, nil, nil) }
    }

    private let blackBox: BlackBox
    private let endpoints: EndpointTable?
    private let places: WaitingTable
    /// A bit for each place of the table that is free.
    private var free = UInt32.max
    // The newest holds the next older one, and so on.
    private var newest: Entry?
    /// The oldest one without a place: those before it have one.
    private unowned(unsafe) var firstWithoutPlace: Entry?
    private var count = 0
    /// Also those whose task has no request at the moment.
    private var byTask: [TaskKey: Entry] = [:]
    private var isInside = false

    init(_ blackBox: BlackBox, _ endpoints: EndpointTable?, on loop: EventLoop) {
        self.blackBox = blackBox
        self.endpoints = endpoints
        places = blackBox.waitingRequests
        loop.watchJobs { [self] task in
            goesOn(task)
        } ended: { [self] in
            waits()
        }
    }

    /// A handler has come to its first suspension.
    func add<Exchange: RequestExchange, Failure>(
        _ entry: Entry, of task: Task<Void, Failure>, _ exchange: Exchange, _ endpoint: Endpoint?
    ) {
        entry.begin(exchange, endpoint)
        entry.isListed = true
        if entry.task == 0 {
            entry.task = EventLoop.identity(of: task)
            byTask[TaskKey(entry.task)] = entry
        }
        entry.older = newest
        unsafe newest?.newer = entry
        newest = entry
        count += 1
        blackBox.setWaiting(count)
        if let endpoints, let endpoint { endpoints.beganToWait(endpoint.enter(endpoints)) }
        guard unsafe firstWithoutPlace == nil else { return }
        if free != 0 { place(entry) } else { unsafe firstWithoutPlace = entry }
    }

    /// A handler is over. Its task may have another one.
    func remove(_ entry: Entry) {
        entry.isOver = true
        guard entry.isListed else { return }
        entry.isListed = false
        let (older, newer) = unsafe (entry.older, entry.newer)
        if let newer { newer.older = older } else { newest = older }
        unsafe older?.newer = newer
        entry.older = nil
        unsafe entry.newer = nil
        count -= 1
        blackBox.setWaiting(count)
        if let endpoints, let endpoint = entry.endpoint { endpoints.endedToWait(endpoint.enter(endpoints)) }
        if unsafe firstWithoutPlace === entry { unsafe firstWithoutPlace = newer }
        if entry.place >= 0 { leavePlace(of: entry) }
        entry.end()
    }

    /// A task ends.
    func forget(_ entry: Entry) {
        if entry.task != 0 { byTask[TaskKey(entry.task)] = nil }
    }

    /// There is a free one.
    private func place(_ entry: Entry) {
        let index = free.trailingZeroBitCount
        free &= free &- 1
        entry.place = index
        let (since, endpoint) = (entry.since, entry.endpoint?.number ?? 0)
        withDescription(of: entry) { places.enter($0, endpoint: endpoint, since: since, isStreaming: entry.isStreaming, at: index) }
    }

    private func leavePlace(of entry: Entry) {
        places.leave(entry.place)
        free |= 1 &<< UInt32(truncatingIfNeeded: entry.place)
        entry.place = -1
        guard let next = unsafe firstWithoutPlace else { return }
        unsafe firstWithoutPlace = next.newer
        place(next)
    }

    private func goesOn(_ task: UInt) {
        guard count > 0, let entry = byTask[TaskKey(task)], entry.isListed else { return }
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
        entry.head?.withMethodAndPath { line, _ in body(line) }
    }
}

/// A task's address, spread over a dictionary's places without the hash for keys from outside.
private struct TaskKey: Hashable {
    private let mixed: Int

    init(_ task: UInt) { mixed = Int(bitPattern: task &* 0x9E37_79B9_7F4A_7C15) }

    func hash(into hasher: inout Hasher) { hasher.combine(mixed) }
    func _rawHashValue(seed: Int) -> Int { mixed ^ mixed &>> 32 ^ seed }
}
