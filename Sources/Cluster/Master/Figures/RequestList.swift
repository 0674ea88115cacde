// The requests that workers are in and those whose handlers wait, as their black boxes have them. No worker is asked: the list is there
// while all of them are stuck. What a worker has written there is shown and not believed.
// Process: master · Thread: loop

internal import EverycoreLoop
internal import EverycoreStatistics

final class RequestList {
    private let context: MasterContext
    private let pool: WorkerPool
    /// The routes of all descriptions that were in force, since workers of a former one may live.
    private var routes: [UInt64: String] = [:]
    private var readVersion = -1

    private static let routeLimit = 10_000

    init(_ context: MasterContext, pool: WorkerPool) {
        self.context = context
        self.pool = pool
    }

    /// The oldest requests first, and how many wait in all.
    func current(now: UInt64) -> (requests: [RunningRequest], waiting: UInt64) {
        var requests: [RunningRequest] = []
        var waiting: UInt64 = 0
        for child in pool.children.values where child.servesRequests {
            requests += self.requests(of: child, now: now)
            waiting = waiting.addingUpToLimit(min(UInt64(child.page.blackBox.waiting), 1 << 32))
        }
        requests.sort { ($0.ageNanoseconds, $0.worker) > ($1.ageNanoseconds, $1.worker) }
        return (Array(requests.prefix(RunningRequest.limit)), waiting)
    }

    private func requests(of child: Child, now: UInt64) -> [RunningRequest] {
        let box = child.page.blackBox
        let running = running(of: child, now: now)
        guard box.waiting > 0 else { return running.map { [$0] } ?? [] }
        let waiting = box.waitingRequests.entries.filter { running == nil || $0.since != box.heldSince || $0.endpoint != box.currentEndpoint }
        return (running.map { [$0] } ?? [])
            + waiting.map { entry(child, $0.isStreaming ? .streaming : .waiting, $0.description, $0.endpoint, since: $0.since, now: now) }
    }

    /// What has the loop of a worker.
    func running(of child: Child, now: UInt64) -> RunningRequest? {
        let box = child.page.blackBox
        return box.current.map { entry(child, .running, $0.description, box.currentEndpoint, since: $0.since, now: now) }
    }

    private func entry(
        _ child: Child, _ state: RunningRequest.State, _ description: String, _ endpoint: UInt64, since: UInt64, now: UInt64
    ) -> RunningRequest {
        RunningRequest(
            worker: child.role.slot, generation: child.generation, pid: child.pid, state: state, description: description,
            route: route(of: endpoint), ageNanoseconds: now.subtractingDownToZero(since))
    }

    /// The method and pattern of an endpoint; empty for none, and for what was never described.
    func route(of endpoint: UInt64) -> String {
        if readVersion != context.planVersion {
            readVersion = context.planVersion
            if routes.count > Self.routeLimit { routes = [:] }
            for description in context.plan.endpoints { routes[description.number] = LogText.plain(description.text) }
        }
        return routes[endpoint] ?? ""
    }
}

extension Child {
    /// Whether it is there to answer the service's requests, and can be seen to.
    var servesRequests: Bool { role.servesConnections && phase != .dying }
}
