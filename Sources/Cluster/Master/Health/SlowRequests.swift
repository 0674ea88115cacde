// Logs requests that take long: with the stack, where they hold their worker's loop. What is slow is SlowWatch's decision.
// Process: master · Thread: loop

internal import EverycoreLoop
internal import EverycoreStatistics
internal import Logging

final class SlowRequests {
    private let context: MasterContext
    private let pool: WorkerPool
    private let requests: RequestList
    private let stacks: StackCollector
    private var watches: [Int32: SlowWatch] = [:]
    private var timer: LoopTimer?

    /// A stack is so long in a log line, in bytes.
    private static let stackByteCount = 1200

    init(_ context: MasterContext, pool: WorkerPool, requests: RequestList, stacks: StackCollector) {
        self.context = context
        self.pool = pool
        self.requests = requests
        self.stacks = stacks
    }

    /// Once more after a reload.
    func start() {
        watches = [:]
        timer = context.options.slowRequest.map { limit in
            let limit = limit.wholeNanoseconds
            let interval = Duration.nanoseconds(Int64(clamping: min(max(limit / 4, 25_000_000), 1_000_000_000)))
            return context.loop.every(interval) { [unowned self] in look(limit: limit, now: EventLoop.monotonicNanoseconds()) }
        }
    }

    func stop() {
        timer = nil
        watches = [:]
    }

    private func look(limit: UInt64, now: UInt64) {
        var seen: [Int32: SlowWatch] = [:]
        for child in pool.children.values where child.servesRequests { seen[child.pid] = look(at: child, limit: limit, now: now) }
        watches = seen
    }

    /// - Returns: what is to be known at the next look; nil where nothing is in flight that is old.
    private func look(at child: Child, limit: UInt64, now: UInt64) -> SlowWatch? {
        let box = child.page.blackBox
        // Most of the time it ends here.
        let running = box.heldSince == 0 ? nil : SlowWatch.Request(since: box.heldSince, endpoint: box.currentEndpoint)
        let waits = box.waiting > 0 && box.waitingRequests.oldestSince.map { now.subtractingDownToZero($0) >= limit } ?? false
        guard running != nil || waits else { return nil }
        let waiting = waits ? box.waitingRequests.entries.filter { !$0.isStreaming } : []
        var watch = watches[child.pid] ?? SlowWatch(limit: limit)
        switch watch.looked(running: running, waiting: waiting.map { .init(since: $0.since, endpoint: $0.endpoint) }, now: now) {
        case .runs(let request, let isFirst):
            let details = details("running", box.current?.description ?? "", request)
            isFirst ? logWithStack(child, request, details) : log(child, request, details)
        case .waits(let request):
            let entry = waiting.first { $0.since == request.since && $0.endpoint == request.endpoint }
            log(child, request, details("waiting", entry?.description ?? "", request))
        case nil:
            break
        }
        return watch
    }

    private func details(_ state: String, _ description: String, _ request: SlowWatch.Request) -> Logger.Metadata {
        var details: Logger.Metadata = ["state": "\(state)", "request": "\(LogText.plain(description))"]
        let route = requests.route(of: request.endpoint)
        if !route.isEmpty { details["route"] = "\(route)" }
        return details
    }

    /// Asking cuts a sleep of the handler's short, so it is done once for each request.
    private func logWithStack(_ child: Child, _ request: SlowWatch.Request, _ details: Logger.Metadata) {
        stacks.ask(child, isTrimmed: true) { [unowned self] names in
            var details = details
            if let names { details["stack"] = "\(LogText.plain(names.joined(separator: " < "), limit: Self.stackByteCount))" }
            log(child, request, details)
        }
    }

    private func log(_ child: Child, _ request: SlowWatch.Request, _ details: Logger.Metadata) {
        let age = Duration.from(request.since, to: EventLoop.monotonicNanoseconds())
        context.log(.warning, .slowRequest, "slow request", about: child, details.merging(["age": "\(age.inSeconds)"]) { $1 })
    }
}
