// The quarantine as the master has it: what is suspect, what is known of endpoints, and the worker that serves what is suspect.
// Owns its state; Master+Quarantine.swift ties it to the workers.
// Process: master · Thread: loop

internal import EverycoreLoop
internal import Glibc
internal import EverycoreStatistics

final class Quarantine {
    /// What was last read of a worker's endpoints.
    struct Reading {
        var answers: [UInt64] = []
        var total: UInt64 = 0
        /// The endpoints in flight at the last look: they count if the worker lives at the next.
        var sample: Set<UInt64>?
    }

    let memory: QuarantineMemory
    var suspicion: Suspicion
    var supervisor: QuarantineSupervisor
    var history = EndpointHistory()
    var readings: [Int32: Reading] = [:]
    /// What requests looked like that are suspect by their path.
    var paths: [Suspicion.Subject: String] = [:]
    /// How long the last start of a worker took.
    var lastStart = Duration.zero
    /// As the shared counter said last.
    var lastRefusals: UInt32 = 0
    var timer: LoopTimer?

    /// A start that takes longer is slow: the last workers aren't risked.
    private static let slowStart = Duration.seconds(1)

    init(_ memory: QuarantineMemory, options: ClusterOptions) {
        self.memory = memory
        suspicion = Suspicion(policy: options.quarantine)
        supervisor = QuarantineSupervisor(policy: options.respawn)
    }

    func stop() {
        timer = nil
        for descriptor in memory.descriptors { close(descriptor) }
    }

    var startIsSlow: Bool { lastStart >= Self.slowStart }

    /// Whether the quarantine worker has anything to do.
    var isNeeded: Bool { !suspicion.entries.isEmpty || memory.queue.socket.hasWaiting }

    // MARK: What workers do

    /// Takes in what a worker has done since the last look.
    func read(_ page: SharedPage, pid: Int32, isWell: Bool, now: UInt64) {
        var reading = readings[pid] ?? Reading()
        let total = page.figures[.requests]
        history.answered(page.endpoints.answers(since: &reading.answers), total: total.subtractingDownToZero(reading.total), now: now)
        reading.total = total
        if isWell {
            if let sample = reading.sample { history.sampled(sample, now: now) }
            reading.sample = page.endpoints.waiting
        }
        readings[pid] = reading
    }

    /// What runs on the loop's thread.
    func request(in page: SharedPage) -> Suspicion.Request? {
        page.blackBox.blamed.map { .init(endpoint: $0.endpoint, path: $0.path) }
    }

    /// What a worker's page tells of its death.
    func evidence(in page: SharedPage, now: UInt64) -> Suspicion.Evidence {
        var evidence = Suspicion.Evidence()
        evidence.ran = request(in: page)
        if evidence.ran == nil {
            evidence.waiting = page.endpoints.waiting
            evidence.usual = history.usual(among: evidence.waiting, now: now)
        }
        evidence.dominant = history.dominant(now: now)
        return evidence
    }
}
