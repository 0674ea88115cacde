// Whether figures can be true. They come from a worker, which may have gone wrong: one wrong figure would stay in the totals for ever,
// since these only grow. The bounds are far above what a machine does in the time, so that only nonsense is beyond them.
// Process: any · Thread: loop

extension FigureSnapshot {
    private enum Bound {
        /// Anything that is counted one by one.
        static let events = 1e8
        static let eventsPerSecond = 1e9
        static let bytes = 1e12
        static let bytesPerSecond = 1e12
        /// A request may have begun a little before its worker's clock was first read.
        static let latencySlack: UInt64 = 60_000_000_000
        /// Requests whose time is counted and who are not, or the reverse: words in shared memory are read one by one.
        static let torn = 1e5
        static let connections: UInt64 = 1 << 31
        static let residentBytes: UInt64 = 1 << 52
    }

    func hasPlausible(_ gauge: Counter) -> Bool {
        self[gauge] <= (gauge == .connectionsOpen ? Bound.connections : Bound.residentBytes)
    }

    /// Whether a worker that had the figures `earlier` can have these now.
    /// - Parameters:
    ///   - nanoseconds: the time since.
    ///   - age: the time since the worker began.
    package func isPlausible(after earlier: FigureSnapshot, within nanoseconds: UInt64, age: UInt64) -> Bool {
        let seconds = Double(nanoseconds) / 1e9
        // Word by word: two snapshots a second of each worker are looked at here, and a difference would be a third.
        func growth(_ counter: Counter) -> Double { Double(self[counter].subtractingDownToZero(earlier[counter])) }
        let mostEvents = Bound.events + seconds * Bound.eventsPerSecond
        let isCounted = Counter.ownWords.allSatisfy { counter in
            switch counter {
            case .bytesIn, .bytesOut: growth(counter) <= Bound.bytes + seconds * Bound.bytesPerSecond
            case .startedAtNanoseconds: true
            case .connectionsOpen, .residentBytes: hasPlausible(counter)
            default: growth(counter) <= mostEvents
            }
        }
        let longest = age.addingUpToLimit(Bound.latencySlack)
        let answered = Double(histogram.growth(since: earlier.histogram))
        return isCounted && answered <= mostEvents && self[.latencyMaxNanoseconds] <= longest
            && growth(.latencySumNanoseconds) <= (answered + Bound.torn) * Double(longest)
    }
}
