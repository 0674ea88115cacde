// What the master does on the orders of operators: the same as on signals, and it says what came of it.
// Process: master · Thread: loop

internal import EverycoreLoop
internal import Glibc
internal import Logging

final class ControlVerbs {
    private let context: MasterContext
    private let pool: WorkerPool
    private let reconciler: Reconciler
    private let succession: Succession
    private let quarantine: Quarantine
    private let orders: MasterOrders
    private let goals: WorkerGoals
    /// Those who wait for the end of the service.
    private var stops: [(answer: ControlAnswer, workers: Int)] = []

    init(
        _ context: MasterContext, pool: WorkerPool, reconciler: Reconciler, quarantine: Quarantine, succession: Succession, orders: MasterOrders
    ) {
        self.context = context
        self.pool = pool
        self.reconciler = reconciler
        self.succession = succession
        self.quarantine = quarantine
        self.orders = orders
        goals = WorkerGoals(context, pool: pool, reconciler: reconciler)
    }

    func add(to desk: ControlDesk) {
        desk.add("reload", changes: true) { [unowned self] in carryOut(.reload, $0, $1) }
        desk.add("upgrade", changes: true) { [unowned self] in carryOut(.upgrade, $0, $1) }
        desk.add("restart", changes: true) { [unowned self] in restart($0, $1) }
        desk.add("scale", changes: true) { [unowned self] in scale($0, $1) }
        desk.add("stop", changes: true) { [unowned self] in stop($0, $1) }
        desk.add("quarantine-release", changes: true) { [unowned self] in release($0, $1) }
        desk.add("reopen-logs", changes: true) { [unowned self] in orders.reopenLogs(for: $1) }
        desk.add("log-level", changes: true) { [unowned self] in setLogLevel($0, $1) }
    }

    func stop() {
        goals.stop()
        stops = []
    }

    // MARK: What becomes of workers

    func workersChanged() { goals.changed() }

    func startFailed(slot: Int, _ reason: String) { goals.startFailed(slot: slot, reason) }

    /// An order to stop was carried out, or has begun to be: nothing else is.
    func stopBegins() {
        succession.orders.abandonAll("the service stops")
        goals.abandon("the service stops")
    }

    /// No worker serves any more, and what is left of the service goes next.
    func workersAreGone() {
        for (answer, workers) in stops { answer.end(.done("stopped: \(Self.counted(workers))")) }
        stops = []
    }

    // MARK: Reload, upgrade, restart

    private func carryOut(_ kind: Orders.Order, _ order: ControlOrder, _ answer: ControlAnswer) { succession.orders.receive(kind, for: answer) }

    private func restart(_ order: ControlOrder, _ answer: ControlAnswer) {
        guard let text = order["slot"] else { return answer.failed("which worker: a slot, or all") }
        if text == "all" { return succession.orders.receive(.restart, for: answer) }
        guard let slot = Int(text), slot >= 0 else { return answer.failed("\(LogText.plain(text, limit: 40)) is no slot: a number from 0, or all") }
        if let refusal { return answer.failed(refusal) }
        let slots = reconciler.workers.states
        guard let state = slots.first(where: { $0.slot == slot }) else {
            return answer.failed("there is no slot \(slot): \(Self.counted(slots.count)), slots 0 to \(slots.count - 1)")
        }
        guard let current = state.current else { return answer.failed("slot \(slot) has no worker: one is started already") }
        if state.successor == nil, !reconciler.replaceWorker(slot: slot) {
            return answer.failed("the worker of slot \(slot) can't be replaced now: \(current.isStarting ? "it starts" : "there is no room for another one")")
        }
        goals.pursue(.replaced(slot: slot, generation: current.generation), before: slots.count, for: answer) { [unowned self] in
            let generation = reconciler.workers.states.first { $0.slot == slot }?.current?.generation ?? 0
            return "restarted: worker \(slot), generation \(generation)"
        }
    }

    /// Why no order about single workers is carried out now.
    private var refusal: String? {
        if succession.upgrade.isCommitted { return "a new master is in charge: ask again" }
        if context.phase != .running { return "the service stops" }
        return context.holdsConnections ? "this program is about to take another one's place: ask again" : nil
    }

    // MARK: Scaling

    private func scale(_ order: ControlOrder, _ answer: ControlAnswer) {
        guard let text = order["count"] else { return answer.failed("how many workers: a number, +N, -N, or auto") }
        if let refusal { return answer.failed(refusal) }
        let scaler = succession.scaler
        let before = reconciler.workerCount
        let wanted: Int
        if text == "auto" {
            if let refusal = scaler.scaleAutomatically() { return answer.failed(refusal) }
            wanted = reconciler.workerCount
            if case .range(let bounds) = context.plan.workers {
                return answer.done("scaling by load from \(bounds.lowerBound) to \(bounds.upperBound): \(Self.counted(wanted)) now")
            }
        } else if let number = Int(text) {
            let isRelative = text.hasPrefix("+") || text.hasPrefix("-")
            let (sum, overflows) = isRelative ? before.addingReportingOverflow(number) : (number, false)
            guard !overflows, (1...scaler.limit).contains(sum) else {
                return answer.failed("\(isRelative && !overflows ? "\(sum)" : text) workers are not possible: from 1 to \(scaler.limit)")
            }
            wanted = sum
        } else {
            return answer.failed("\(LogText.plain(text, limit: 40)) is no number of workers: N, +N, -N, or auto")
        }
        if text != "auto", let refusal = scaler.scale(to: wanted) { return answer.failed(refusal) }
        goals.pursue(.count(wanted), before: before, for: answer) {
            before == wanted ? "nothing to do: \(Self.counted(wanted))" : "scaled: \(before) to \(Self.counted(wanted))"
        }
    }

    /// The description that was reloaded has another number of workers: a reload is over when they are there.
    func awaitWorkers(_ count: Int, for answers: [ControlAnswer]) {
        for answer in answers {
            goals.pursue(.count(count), before: count, for: answer) { [unowned self] in "reloaded: \(reconciler.describedWorkers)" }
        }
    }

    // MARK: Stop

    private func stop(_ order: ControlOrder, _ answer: ControlAnswer) {
        if succession.upgrade.isCommitted {
            orders.carryOut(.stop(SIGTERM))
            return answer.done("passed on to the new master")
        }
        if order["now"] == "true" {
            answer.progress("stopping at once")
            // After the answer has left: its process is killed, too.
            let workers = pool.workers.count
            stops.append((answer, workers))
            return orders.carryOut(.quit)
        }
        stops.append((answer, pool.workers.count))
        guard context.phase == .running else { return answer.progress("the service stops already") }
        answer.progress("waiting for requests in flight")
        orders.carryOut(.stop(SIGTERM))
    }

    // MARK: Others

    private func release(_ order: ControlOrder, _ answer: ControlAnswer) {
        guard let route = order["route"], !route.isEmpty else { return answer.failed("which route: one of those that are quarantined") }
        let released = quarantine.release(route)
        guard !released.isEmpty else { return answer.failed("\(LogText.plain(route)) is not quarantined") }
        answer.done("released: \(released.joined(separator: ", "))")
    }

    private func setLogLevel(_ order: ControlOrder, _ answer: ControlAnswer) {
        let levels = Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")
        guard let text = order["level"] else { return answer.failed("which level: \(levels), or auto") }
        if text == "auto" {
            SharedLogLevel.set(nil)
            return answer.done("log level: as configured")
        }
        guard let level = Logger.Level(rawValue: text.lowercased()) else {
            return answer.failed("\(LogText.plain(text, limit: 40)) is no level: \(levels), or auto")
        }
        SharedLogLevel.set(level)
        answer.done("log level: \(level.rawValue)")
    }

    static func counted(_ workers: Int) -> String { workers == 1 ? "1 worker" : "\(workers) workers" }
}
