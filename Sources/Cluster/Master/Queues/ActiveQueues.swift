// The queues of connections that the master watches, and which of them a look is for: those in which something came lately. Each has its place
// in one array, so that a look makes no tables.
// Process: master · Thread: loop

internal import CEverycorePosix
internal import EverycoreLoop
internal import Glibc

/// A queue that leads to a worker.
enum WatchedQueue: Hashable {
    case listeners(slot: Int)
    case pair(PairPlace)
    /// Listeners that all workers share.
    case shared

    /// Its place among all queues of so many slots.
    var place: Int {
        switch self {
        case .shared: 0
        case .pair(.quarantine): 1
        case .pair(.returns): 2
        case .listeners(let slot): 3 + 2 * slot
        case .pair(.slot(let slot)): 4 + 2 * slot
        }
    }

    static func placeCount(slots: Int) -> Int { 3 + 2 * slots }
}

struct ActiveQueues {
    /// An object, so that a look copies none.
    private final class Watched {
        let queue: WatchedQueue
        let descriptors: [Int32]
        let arrivals: [DescriptorWatch]
        /// Whether it is looked at.
        var isActive = false
        var judge = QueueJudge()
        /// In this look, how many connections have been taken from it.
        var taken: UInt32 = 0

        init(_ queue: WatchedQueue, _ descriptors: [Int32], _ arrivals: [DescriptorWatch]) {
            (self.queue, self.descriptors, self.arrivals) = (queue, descriptors, arrivals)
        }
    }

    private var queues: [Watched?]
    /// The places of those that are looked at.
    private var active: [Int] = []
    private var looks = 0
    private var requests: [pollfd] = []

    /// Each queue itself is looked at now and then, also where something is taken all the time.
    private static let fullRound = 25

    init(slots: Int) { queues = Array(repeating: nil, count: WatchedQueue.placeCount(slots: slots)) }

    var activeCount: Int { active.count }

    func watches(_ queue: WatchedQueue) -> Bool { queues[queue.place] != nil }

    /// - Parameter arrivals: tell when something comes.
    mutating func add(_ queue: WatchedQueue, _ descriptors: [Int32], _ arrivals: [DescriptorWatch]) {
        remove(queue)
        queues[queue.place] = Watched(queue, descriptors, arrivals)
    }

    mutating func remove(_ queue: WatchedQueue) {
        for watch in queues[queue.place]?.arrivals ?? [] { watch.cancel() }
        queues[queue.place] = nil
        active.removeAll { $0 == queue.place }
    }

    mutating func remove(having descriptor: Int32) {
        for case let watched? in queues where watched.descriptors.contains(descriptor) { remove(watched.queue) }
    }

    mutating func removeAll() { for case let watched? in queues { remove(watched.queue) } }

    /// Something has come.
    /// - Returns: whether the queue is looked at from here on.
    mutating func activate(_ queue: WatchedQueue) -> Bool {
        guard let watched = queues[queue.place], !watched.isActive else { return false }
        for watch in watched.arrivals { watch.pause() }
        watched.isActive = true
        watched.judge = QueueJudge()
        active.append(queue.place)
        return true
    }

    /// Looks at the queues from which nothing was taken, and at each now and then: one system call for all of them.
    /// - Parameter taken: how many connections have been taken from a queue.
    /// - Returns: the queues in which something waits, those of them that no worker attends to, and those whose socket has ended.
    mutating func look(
        elapsed: UInt64, taken: (WatchedQueue) -> UInt32
    ) -> (waiting: [WatchedQueue], unattended: [WatchedQueue], ended: [WatchedQueue]) {
        looks &+= 1
        requests.removeAll(keepingCapacity: true)
        for place in active {
            guard let watched = queues[place] else { continue }
            // Another process writes what this reads: once for each look.
            watched.taken = taken(watched.queue)
            guard (place &+ looks) % Self.fullRound == 0 || watched.judge.needsLook(taken: watched.taken) else { continue }
            for descriptor in watched.descriptors { requests.append(pollfd(fd: descriptor, events: Int16(POLLIN) | Int16(cposix_poll_ended), revents: 0)) }
        }
        if !requests.isEmpty, unsafe poll(&requests, nfds_t(requests.count), 0) < 0 { return ([], [], []) }
        return judge(elapsed)
    }

    private mutating func judge(
        _ elapsed: UInt64
    ) -> (waiting: [WatchedQueue], unattended: [WatchedQueue], ended: [WatchedQueue]) {
        var (waiting, unattended, ended): ([WatchedQueue], [WatchedQueue], [WatchedQueue]) = ([], [], [])
        var next = 0
        var isQuiet = false
        for place in active {
            guard let watched = queues[place] else { continue }
            var isWaiting: Bool?
            // The answers are in the order of the questions.
            for descriptor in watched.descriptors where next < requests.count && requests[next].fd == descriptor {
                let seen = requests[next].revents
                next += 1
                let isOver = seen & (Int16(POLLHUP) | Int16(POLLERR) | Int16(cposix_poll_ended)) != 0
                if isOver, ended.last != watched.queue { ended.append(watched.queue) }
                isWaiting = isWaiting ?? false || seen & Int16(POLLIN) != 0 && !isOver
            }
            switch watched.judge.looked(isWaiting: isWaiting, taken: watched.taken, elapsed: elapsed) {
            case .waits: waiting.append(watched.queue)
            case .unattended:
                waiting.append(watched.queue)
                unattended.append(watched.queue)
            case .quiet:
                // The socket tells when something comes.
                watched.isActive = false
                for watch in watched.arrivals { watch.resume() }
                isQuiet = true
            case .fine: break
            }
        }
        if isQuiet { active.removeAll { queues[$0]?.isActive != true } }
        return (waiting, unattended, ended)
    }
}
