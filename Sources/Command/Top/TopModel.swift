// What `everycore top` shows: several services' figures, how they are sorted, what is selected. A pure value: frames and keys in.
// Process: any other than a service's · Thread: main

#if Command
package import EverycoreStatistics

package struct TopModel: Sendable {
    package enum Sort: String, CaseIterable, Sendable {
        case worker, rate, p99, open, queue, lag, cpu, memory, restarts

        var title: String {
            switch self {
            case .worker: "worker"
            case .rate: "req/s"
            case .p99: "p99"
            case .open: "open"
            case .queue: "queue"
            case .lag: "lag"
            case .cpu: "CPU"
            case .memory: "memory"
            case .restarts: "restarts"
            }
        }
    }

    package enum View: Equatable, Sendable {
        case workers
        /// Of one worker's process, or of all.
        case requests(pid: Int?)
        case help
    }

    package enum Key: Equatable, Sendable {
        case character(Character)
        case up, down, enter, escape
    }

    package struct Source: Sendable {
        package let name: String
        package var figures: TopFigures?
        /// Why there are no new ones.
        package var problem: String? = "connecting"
    }

    package struct Row: Equatable, Sendable {
        package let source: Int
        package let worker: TopWorker
    }

    /// As they come.
    private var latest: [Source]
    /// As they are shown: the same, unless it is paused.
    package private(set) var sources: [Source]
    package var sort: Sort
    package private(set) var isReversed = false
    package private(set) var isPaused = false
    package private(set) var view = View.workers
    /// The selected worker, by its service and its slot.
    private var selected: (source: Int, slot: Int)?

    package init(sources names: [String], sort: Sort = .worker) {
        latest = names.map { Source(name: $0) }
        sources = latest
        self.sort = sort
    }

    // MARK: What comes

    package mutating func take(_ figures: TopFigures, from index: Int) {
        guard latest.indices.contains(index) else { return }
        latest[index].figures = figures
        latest[index].problem = nil
        if !isPaused { sources = latest }
    }

    package mutating func lost(_ index: Int, because reason: String) {
        guard latest.indices.contains(index) else { return }
        latest[index].problem = reason
        if !isPaused { sources = latest }
    }

    /// Every service has told of an interval, or can't.
    package var isComplete: Bool { latest.allSatisfy { ($0.figures?.seconds ?? 0) > 0 || ($0.figures == nil && $0.problem != "connecting") } }

    package var hasFigures: Bool { latest.contains { $0.figures != nil } }

    // MARK: Keys

    /// - Returns: false for the end.
    package mutating func press(_ key: Key) -> Bool {
        switch key {
        case .character("q"): return false
        case .character("h"), .character("?"): view = view == .help ? .workers : .help
        case .escape: view = .workers
        case .character(" "):
            isPaused.toggle()
            sources = latest
        case .up, .character("k"): move(-1)
        case .down, .character("j"): move(1)
        case .character("a"): view = view == .requests(pid: nil) ? .workers : .requests(pid: nil)
        case .enter: toggleRequests()
        case .character("r"): isReversed.toggle()
        case .character("s"): step(1)
        case .character("S"): step(-1)
        case .character(let letter): if let sort = Self.letters[letter] { choose(sort) }
        }
        return true
    }

    private static let letters: [Character: Sort] = ["w": .worker, "n": .rate, "p": .p99, "o": .open, "l": .lag, "c": .cpu, "m": .memory]

    private mutating func choose(_ wanted: Sort) {
        if sort == wanted { isReversed.toggle() } else { (sort, isReversed) = (wanted, false) }
    }

    private mutating func step(_ step: Int) {
        let all = Sort.allCases
        guard let index = all.firstIndex(of: sort) else { return }
        (sort, isReversed) = (all[(index + step + all.count) % all.count], false)
    }

    private mutating func toggleRequests() {
        guard view == .workers else { return view = .workers }
        let rows = rows
        guard let row = rows.first(where: isSelected) ?? rows.first else { return }
        view = .requests(pid: row.worker.pid)
    }

    private mutating func move(_ step: Int) {
        let rows = rows
        guard !rows.isEmpty else { return }
        let index = rows.firstIndex(where: isSelected).map { min(max($0 + step, 0), rows.count - 1) } ?? 0
        selected = (rows[index].source, rows[index].worker.slot)
    }

    package func isSelected(_ row: Row) -> Bool { selected.map { $0 == (row.source, row.worker.slot) } ?? false }

    // MARK: What is shown

    /// All services' workers in the order that is wanted. Greatest first, but for the worker's own order; what is unknown is last.
    package var rows: [Row] {
        let rows = sources.indices.flatMap { index in (sources[index].figures?.workers ?? []).map { Row(source: index, worker: $0) } }
        let sorted = rows.enumerated().sorted { one, other in
            let (a, b) = (value(one.element), value(other.element))
            if a != b { return sort == .worker ? a < b : a > b }
            return one.offset < other.offset
        }.map(\.element)
        return isReversed ? sorted.reversed() : sorted
    }

    private func value(_ row: Row) -> Double {
        let worker = row.worker
        switch sort {
        case .worker: return Double(row.source) * 1e6 + Double(worker.slot)
        case .rate: return worker.rate ?? -1
        case .p99: return worker.p99 ?? -1
        case .open: return Double(worker.open)
        case .queue: return worker.queueLength.map(Double.init) ?? -1
        case .lag: return worker.lag ?? -1
        case .cpu: return worker.cpu ?? -1
        case .memory: return Double(worker.memory)
        case .restarts: return Double(worker.restarts)
        }
    }

    /// All services together. Rates are sums, and percentiles those of the merged histograms.
    package struct Total: Equatable, Sendable {
        package var requestRate = 0.0, clientErrors = 0.0, errors = 0.0, bytesIn = 0.0, bytesOut = 0.0
        package var open: UInt64 = 0, ready: UInt64 = 0, wanted: UInt64 = 0, restarts: UInt64 = 0, memory: UInt64 = 0
        package var cpu: Double?
        package var histogram = LatencyHistogram()
        package var hasInterval = false
    }

    package var total: Total {
        sources.compactMap(\.figures).reduce(into: Total()) { total, figures in
            let responses = figures.responses + [UInt64](repeating: 0, count: max(0, 5 - figures.responses.count))
            total.requestRate += figures.rate(figures.requests)
            total.clientErrors += figures.rate(responses[3])
            total.errors += figures.rate(responses[4])
            total.bytesIn += figures.rate(figures.bytesIn)
            total.bytesOut += figures.rate(figures.bytesOut)
            total.open = total.open.addingUpToLimit(figures.open)
            total.ready = total.ready.addingUpToLimit(figures.ready)
            total.wanted = total.wanted.addingUpToLimit(figures.wanted)
            total.restarts = total.restarts.addingUpToLimit(figures.restarts)
            for worker in figures.workers {
                total.memory = total.memory.addingUpToLimit(worker.memory)
                if let cpu = worker.cpu { total.cpu = (total.cpu ?? 0) + cpu }
            }
            total.histogram.merge(figures.histogram)
            if figures.seconds > 0 { total.hasInterval = true }
        }
    }
}
#endif
