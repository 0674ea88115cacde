// One worker's figures at one moment, or the sum of several workers', as a value.
// A worker takes one for each report; the master keeps, merges and compares them; the admin worker renders them.
// Nothing in here traps or wraps, whatever the figures are: a worker that went wrong may have written anything.
// Process: any · Thread: loop

package struct FigureSnapshot: Equatable, Sendable {
    /// Sum and maximum of the latency are the histogram's; their places here stay zero.
    private var values = [UInt64](repeating: 0, count: Counter.count)
    package var histogram = LatencyHistogram()

    package init() {}

    package subscript(counter: Counter) -> UInt64 {
        get {
            switch counter {
            case .latencySumNanoseconds: histogram.sumNanoseconds
            case .latencyMaxNanoseconds: histogram.maxNanoseconds
            default: values[counter.rawValue]
            }
        }
        set {
            switch counter {
            case .latencySumNanoseconds: histogram.sumNanoseconds = newValue
            case .latencyMaxNanoseconds: histogram.maxNanoseconds = newValue
            default: values[counter.rawValue] = newValue
            }
        }
    }

    /// Adds another worker's figures.
    package mutating func merge(_ other: FigureSnapshot) {
        histogram.merge(other.histogram)
        for counter in Counter.ownWords {
            let (mine, theirs) = (self[counter], other[counter])
            switch counter.kind {
            case .cumulative, .gauge: self[counter] = mine.addingUpToLimit(theirs)
            case .maximum: self[counter] = max(mine, theirs)
            case .instant: self[counter] = mine == 0 ? theirs : theirs == 0 ? mine : min(mine, theirs)
            }
        }
    }

    package func merged(with other: FigureSnapshot) -> FigureSnapshot {
        var sum = self
        sum.merge(other)
        return sum
    }

    /// What was added since `earlier`. Gauges, the maximum and instants stay as they are now.
    package func minus(_ earlier: FigureSnapshot) -> FigureSnapshot {
        var difference = self
        difference.histogram = histogram.minus(earlier.histogram)
        for counter in Counter.ownWords where counter.kind == .cumulative {
            difference[counter] = self[counter].subtractingDownToZero(earlier[counter])
        }
        return difference
    }

    /// Moves the cumulative figures and the maximum up to another reading of the same worker's, never down.
    /// Gauges and instants become the other's when `gauges` says that it is the newer of the two.
    package mutating func raise(to other: FigureSnapshot, gauges: Bool) {
        histogram.raise(to: other.histogram)
        for counter in Counter.ownWords {
            switch counter.kind {
            case .cumulative, .maximum: self[counter] = max(self[counter], other[counter])
            case .gauge, .instant: if gauges { self[counter] = other[counter] }
            }
        }
    }

    /// Whether a figure that can only grow is lower than it was in `earlier`.
    package func fellBehind(_ earlier: FigureSnapshot) -> Bool {
        histogram.fellBehind(earlier.histogram)
            || Counter.ownWords.contains { counter in
                counter.kind == .cumulative && self[counter] < earlier[counter]
            }
    }

    /// What stays of a worker that is gone.
    package var withoutGauges: FigureSnapshot {
        var rest = self
        for counter in Counter.ownWords where counter.kind == .gauge || counter.kind == .instant {
            rest[counter] = 0
        }
        return rest
    }
}

extension Counter {
    /// The figures that are not part of the histogram.
    static let ownWords = allCases.filter {
        $0 != .latencySumNanoseconds && $0 != .latencyMaxNanoseconds
    }
}
