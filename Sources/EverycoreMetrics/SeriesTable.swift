// This process's series: which handler each has, and which place in the pages. Handlers are made and destroyed under a lock; counting takes
// none.
// Process: any · Thread: any

#if Metrics || TestPrograms
internal import Cluster
internal import EverycoreStatistics
internal import Synchronization

final class SeriesTable: Sendable {
    static let shared = SeriesTable()

    private struct State {
        var region: MetricsRegion?
        var handlers: [MetricIdentity: SeriesHandler] = [:]
        /// Given up, with their places, which the master may not have come to.
        var destroyed: [MetricIdentity: Int] = [:]
        /// Places where a series has been given up.
        var vacant: [Int] = []
    }

    private let state = Mutex(State())

    func open() {
        let isOpen = state.withLock { state in
            if state.region == nil { state.region = MetricsMemory.open() }
            return state.region != nil
        }
        if !isOpen { MetricsMemory.warn("EverycoreMetrics", "it must be made before run(), and the kernel must have memory for it") }
    }

    /// The series' handler: the same one for the same series, however its dimensions are ordered.
    func handler<Handler: SeriesHandler>(
        _ kind: MetricKind, _ label: String, _ dimensions: [(String, String)], merge: GaugeMerge = .sum, make: (SeriesPlace) -> Handler
    ) -> Handler {
        let identity = MetricIdentity(kind, label, dimensions.map { MetricDimension($0, $1) }, merge: merge)
        let (handler, refusal) = state.withLock { state -> (Handler, String?) in
            if let known = state.handlers[identity] as? Handler { return (known, nil) }
            switch Self.place(identity, &state) {
            case .success(let index):
                let words = unsafe state.region.map { unsafe kind.isHistogram ? $0.histogram(index) : $0.scalar(index) }
                let handler = unsafe make(SeriesPlace(identity: identity, index: index, words: words))
                state.handlers[identity] = handler
                return (handler, nil)
            case .failure(let refusal):
                state.region?.noteRefusal()
                return (unsafe make(SeriesPlace(identity: identity, index: nil, words: nil)), refusal.reason)
            }
        }
        if let refusal { MetricsMemory.warn(label, refusal) }
        return handler
    }

    func destroy(_ handler: SeriesHandler) {
        state.withLock { state in
            guard let index = handler.index, state.handlers[handler.identity] === handler else { return }
            state.handlers[handler.identity] = nil
            // Others that have this handler count nothing from here on: its words may become another series'.
            handler.close()
            state.region?.destroy(index)
            state.destroyed[handler.identity] = index
            state.vacant.append(index)
        }
    }

    // MARK: Places

    private struct Refusal: Error {
        let reason: String
    }

    private static func place(_ identity: MetricIdentity, _ state: inout State) -> Result<Int, Refusal> {
        guard let region = state.region else { return .failure(Refusal(reason: "metrics are off in this process")) }
        guard let name = identity.encoded() else {
            return .failure(Refusal(reason: "label and dimensions have more than \(MetricIdentity.maximumByteCount) bytes"))
        }
        if let former = state.destroyed.removeValue(forKey: identity), region.revive(former) {
            state.vacant.removeAll { $0 == former }
            return .success(former)
        }
        guard let index = freePlace(in: region, &state) else {
            return .failure(Refusal(reason: "this process has \(MetricsRegion.capacity) series"))
        }
        region.begin(identity, name: name, at: index)
        return .success(index)
    }

    private static func freePlace(in region: MetricsRegion, _ state: inout State) -> Int? {
        if region.used < MetricsRegion.capacity { return region.used }
        guard let position = state.vacant.firstIndex(where: { region.place($0).state == .taken }) else { return nil }
        let index = state.vacant.remove(at: position)
        for (identity, place) in state.destroyed where place == index { state.destroyed[identity] = nil }
        return index
    }
}
#endif
