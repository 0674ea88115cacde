// Which requests kill workers: evidence of deaths goes in, what is quarantined and what no longer is comes out.
// A pure value of the master; it knows endpoints by number and paths by hash. Every table in it is bounded.
// Process: master · Thread: loop
//
// A death accuses the request that ran. `deaths` of them in one window make an endpoint suspect: the paths alone where some
// path repeats, the whole endpoint where as many different ones died. Requests that only waited are accused where none ran: those
// in flight at every such death and rarely otherwise. One of several that were accused together is released when another kills without it.
//
// What holds workers while none serves is kept from those that start in their place, for as long as it holds them: they would be held
// before they had answered anything.

internal import EverycoreLoop
internal import EverycoreStatistics

/// All times are monotonic nanoseconds.
package struct Suspicion {
    /// So many subjects at a time; the one whose last death is longest ago gives its place to a new one.
    /// It has to be accused anew.
    package static let capacity = 64
    /// So many more that hold workers now.
    package static let holdingCapacity = 16
    /// Deaths that are remembered within the window.
    private static let memory = 256
    /// More candidates than these among requests that only waited are no evidence.
    private static let candidateLimit = 4

    private let policy: QuarantinePolicy
    package private(set) var entries: [Subject: Entry] = [:]
    /// What holds workers now. No evidence: it ends with the hold.
    package private(set) var holding: Set<Subject> = []
    private var deaths: [(until: UInt64, request: Request)] = []
    private var unexplained: [(at: UInt64, waiting: Set<UInt64>)] = []
    /// What was quarantined before: for how long, and until when that counts.
    private var former: [Subject: (duration: UInt64, until: UInt64)] = [:]

    package init(policy: QuarantinePolicy) { self.policy = policy }

    /// When `expire` has something to do next.
    package var nextEnd: UInt64? { entries.values.map(\.end).min() }

    /// Whether the suspects are to be served one at a time, so that the next death tells them apart.
    package var isAmbiguous: Bool {
        let accused = entries.values.filter(\.isPresumed).map(\.began)
        return Set(accused).count < accused.count
    }

    /// A worker died, or no loop turned for a request's doing.
    package mutating func died(_ evidence: Evidence, now: UInt64) -> [Change] {
        guard policy.isOn else { return [] }
        forgetDeaths(now: now)
        guard let request = evidence.ran else { return diedWaiting(evidence, now: now) }
        guard request.endpoint != 0 else { return [] }
        // One that held its worker for long can't come often: it is remembered for longer.
        let holds = evidence.held.multipliedReportingOverflow(by: UInt64(clamping: 2 * min(policy.deaths, 1000)))
        let time = policy.window.wholeNanoseconds.addingUpToLimit(holds.overflow ? .max : holds.partialValue)
        Self.append((now.addingUpToLimit(time), request), to: &deaths)
        // One that was under way when its quarantine began.
        if extend(request, now: now) { return [] }
        if let subject = relapsed(request, now: now) { return begin(subject, deaths: 1, now: now) }
        let ofEndpoint = deaths.filter { $0.request.endpoint == request.endpoint }
        guard ofEndpoint.count >= (evidence.isLastChance ? 1 : policy.deaths) else { return [] }
        let paths = Set(ofEndpoint.map(\.request.path))
        let isVaried = evidence.isLastChance || paths.count >= max(policy.deaths, 2)
        let count = { path in ofEndpoint.count { $0.request.path == path } }
        if evidence.dominant == request.endpoint {
            // Each path has to prove itself: its clients choose how many there are.
            let own = count(request.path)
            guard own >= (evidence.isLastChance ? 1 : policy.deaths) else { return [] }
            return begin(Subject(endpoint: request.endpoint, path: request.path), deaths: own, now: now)
        }
        if isVaried { return begin(Subject(endpoint: request.endpoint), deaths: ofEndpoint.count, now: now) }
        return paths.sorted().flatMap { begin(Subject(endpoint: request.endpoint, path: $0), deaths: count($0), now: now) }
    }

    /// The quarantine worker died, in a request or while some waited.
    package mutating func diedInQuarantine(_ evidence: Evidence, now: UInt64) -> [Change] {
        // One that was sent there because its like held workers.
        if evidence.ran != nil { return died(evidence, now: now) }
        extend(now: now) { evidence.waiting.contains($0.endpoint) }
        return noteAbsences(present: evidence.waiting)
    }

    /// What holds workers while none serves, or only such as stand in for stuck ones.
    /// - Returns: whether what is kept from other workers has changed.
    package mutating func held(_ requests: Set<Request>, dominant: UInt64?) -> Bool {
        var subjects: Set<Subject> = []
        if policy.isOn {
            for request in requests where request.endpoint != 0 {
                let isVaried = requests.contains { $0.endpoint == request.endpoint && $0.path != request.path }
                subjects.insert(.init(endpoint: request.endpoint, path: isVaried && request.endpoint != dominant ? nil : request.path))
            }
        }
        if subjects.count > Self.holdingCapacity { subjects = Set(subjects.sorted(by: Self.inOrder).prefix(Self.holdingCapacity)) }
        guard subjects != holding else { return false }
        holding = subjects
        return true
    }

    /// All that normal workers don't serve.
    package var keptAway: Set<Subject> { holding.union(entries.keys) }

    /// Ends it on an operator's order, and forgets what led to it: the next death counts as the first.
    package mutating func release(_ isMeant: (Subject) -> Bool) -> [Change] {
        let meant = entries.keys.filter(isMeant).sorted(by: Self.inOrder)
        for subject in meant {
            entries[subject] = nil
            former[subject] = nil
            deaths.removeAll { $0.request.endpoint == subject.endpoint && (subject.path ?? $0.request.path) == $0.request.path }
            for index in unexplained.indices { unexplained[index].waiting.remove(subject.endpoint) }
        }
        return meant.map(Change.ended)
    }

    /// Ends what has behaved for long enough.
    package mutating func expire(now: UInt64) -> [Change] {
        let over = entries.filter { $0.value.end <= now }.keys.sorted(by: Self.inOrder)
        for subject in over {
            guard let entry = entries.removeValue(forKey: subject) else { continue }
            if former.count >= Self.capacity, let oldest = former.min(by: { $0.value.until < $1.value.until })?.key { former[oldest] = nil }
            former[subject] = (entry.duration, now.addingUpToLimit(entry.duration.addingUpToLimit(entry.duration)))
        }
        return over.map(Change.ended)
    }

    // MARK: Steps

    private mutating func diedWaiting(_ evidence: Evidence, now: UInt64) -> [Change] {
        guard !evidence.waiting.isEmpty else { return [] }
        Self.append((now, evidence.waiting), to: &unexplained)
        let count = max(policy.deaths, 2)
        guard unexplained.count >= count else { return [] }
        var candidates = unexplained.suffix(count).reduce(evidence.waiting) { $0.intersection($1.waiting) }
        candidates.subtract(evidence.usual)
        if let dominant = evidence.dominant { candidates.remove(dominant) }
        candidates.remove(0)
        guard candidates.count <= Self.candidateLimit else { return [] }
        return candidates.sorted().flatMap { begin(Subject(endpoint: $0), deaths: count, isPresumed: true, now: now) }
    }

    /// The quarantine worker died where no request ran. That explains the deaths by which what was in flight was accused: nothing else
    /// need have caused them.
    private mutating func noteAbsences(present: Set<UInt64>) -> [Change] {
        let explained = Set(entries.filter { $0.value.isPresumed && present.contains($0.key.endpoint) }.map(\.value.began))
        var released: [Subject] = []
        for (subject, entry) in entries where entry.isPresumed && explained.contains(entry.began) && !present.contains(subject.endpoint) {
            entries[subject]?.absences += 1
            if entry.absences + 1 >= policy.deaths { released.append(subject) }
        }
        for subject in released {
            entries[subject] = nil
            for index in unexplained.indices { unexplained[index].waiting.remove(subject.endpoint) }
        }
        return released.sorted { $0.endpoint < $1.endpoint }.map(Change.released)
    }

    private mutating func begin(_ subject: Subject, deaths: Int, isPresumed: Bool = false, now: UInt64) -> [Change] {
        guard entries[subject] == nil else { return [] }
        var changes: [Change] = []
        if subject.path == nil {
            // The whole endpoint takes the place of its paths.
            for narrower in entries.keys where narrower.endpoint == subject.endpoint { entries[narrower] = nil }
        } else if entries[Subject(endpoint: subject.endpoint)] != nil {
            return []
        }
        if entries.count >= Self.capacity, let oldest = entries.min(by: { $0.value.lastDeath < $1.value.lastDeath })?.key {
            entries[oldest] = nil
            changes.append(.ended(oldest))
        }
        let shortest = min(policy.duration, policy.longestDuration).wholeNanoseconds
        let before = former[subject].map { min($0.duration.addingUpToLimit($0.duration), policy.longestDuration.wholeNanoseconds) }
        entries[subject] = Entry(
            began: now, lastDeath: now, duration: max(before ?? 0, shortest), deaths: UInt64(clamping: deaths), isPresumed: isPresumed)
        former[subject] = nil
        return changes + [.began(subject)]
    }

    /// What was quarantined a short while ago needs no further evidence.
    private func relapsed(_ request: Request, now: UInt64) -> Subject? {
        [Subject(endpoint: request.endpoint), Subject(endpoint: request.endpoint, path: request.path)]
            .first { former[$0].map { now < $0.until } ?? false }
    }

    private mutating func extend(_ request: Request, now: UInt64) -> Bool {
        extend(now: now) { $0.endpoint == request.endpoint && ($0.path ?? request.path) == request.path }
    }

    @discardableResult
    private mutating func extend(now: UInt64, _ isMeant: (Subject) -> Bool) -> Bool {
        let meant = entries.keys.filter(isMeant)
        for subject in meant {
            guard var entry = entries[subject] else { continue }
            entry.lastDeath = now
            entry.deaths = entry.deaths.addingUpToLimit(1)
            entry.absences = 0
            entries[subject] = entry
        }
        return !meant.isEmpty
    }

    private static func inOrder(_ one: Subject, _ other: Subject) -> Bool {
        (one.endpoint, one.path ?? 0) < (other.endpoint, other.path ?? 0)
    }

    private mutating func forgetDeaths(now: UInt64) {
        let begin = now.subtractingDownToZero(policy.window.wholeNanoseconds)
        deaths.removeAll { $0.until < now }
        unexplained.removeAll { $0.at < begin }
        former = former.filter { now < $0.value.until }
    }

    private static func append<Item>(_ item: Item, to items: inout [Item]) {
        items.append(item)
        if items.count > memory { items.removeFirst() }
    }
}
