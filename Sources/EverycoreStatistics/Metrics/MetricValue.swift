// What a series has come to, in one process or in all. Values come from pages that processes write, so nothing in here traps or wraps.
// Process: master, admin · Thread: loop

package enum MetricValue: Equatable, Sendable {
    case count(UInt64)
    /// Of a floating-point counter.
    case sum(Double)
    /// `setAt` is a monotonic clock's reading, and 1 where nothing depends on it. Zero: never set.
    case gauge(Double, setAt: UInt64)
    /// In nanoseconds, by `HistogramScale`.
    case timer(BucketCounts, sum: UInt64, maximum: UInt64)
    /// By `RecorderScale`.
    case recorder(BucketCounts, sum: Double, maximum: Double)

    package static func zero(_ kind: MetricKind) -> MetricValue {
        switch kind {
        case .counter: .count(0)
        case .floatingCounter: .sum(0)
        case .gauge: .gauge(0, setAt: 0)
        case .timer: .timer(BucketCounts(), sum: 0, maximum: 0)
        case .recorder: .recorder(BucketCounts(), sum: 0, maximum: 0)
        }
    }

    /// A gauge that no process has set is not shown.
    package var isSet: Bool {
        if case .gauge(_, let setAt) = self { setAt != 0 } else { true }
    }

    /// Adds another process's.
    package mutating func merge(_ other: MetricValue, as mode: GaugeMerge = .sum) {
        switch (self, other) {
        case (.count(let a), .count(let b)): self = .count(a.addingUpToLimit(b))
        case (.sum(let a), .sum(let b)): self = .sum(a + b)
        case (.gauge(let a, let setAt), .gauge(let b, let otherSetAt)):
            guard otherSetAt != 0 else { return }
            guard setAt != 0 else { return self = other }
            let latest = max(setAt, otherSetAt)
            switch mode {
            case .sum: self = .gauge(a + b, setAt: latest)
            case .minimum: self = .gauge(min(a, b), setAt: latest)
            case .maximum: self = .gauge(max(a, b), setAt: latest)
            case .latest: if otherSetAt >= setAt { self = other }
            }
        case (.timer(var a, let sum, let maximum), .timer(let b, let otherSum, let otherMaximum)):
            a.merge(b)
            self = .timer(a, sum: sum.addingUpToLimit(otherSum), maximum: max(maximum, otherMaximum))
        case (.recorder(var a, let sum, let maximum), .recorder(let b, let otherSum, let otherMaximum)):
            a.merge(b)
            self = .recorder(a, sum: sum + otherSum, maximum: max(maximum, otherMaximum))
        default: break
        }
    }

    /// Takes over a later reading of the same process's page: what only grows never falls.
    package mutating func raise(to other: MetricValue) {
        switch (self, other) {
        case (.count(let a), .count(let b)): self = .count(max(a, b))
        case (.sum(let a), .sum(let b)): self = .sum(max(a, b))
        case (.gauge, .gauge): self = other
        case (.timer(var a, let sum, let maximum), .timer(let b, let otherSum, let otherMaximum)):
            a.raise(to: b)
            self = .timer(a, sum: max(sum, otherSum), maximum: max(maximum, otherMaximum))
        case (.recorder(var a, _, let maximum), .recorder(let b, let otherSum, let otherMaximum)):
            a.raise(to: b)
            // Of values with both signs, so it may fall.
            self = .recorder(a, sum: otherSum, maximum: max(maximum, otherMaximum))
        default: break
        }
    }

    /// The most that a page's counter can have grown since the last look: far above what a machine does. More is what another process's
    /// stray pointer, or this one's, has left there.
    private static let mostGrowth: UInt64 = 1 << 60

    /// Whether a page that held this can hold `next` now.
    package func canBecome(_ next: MetricValue) -> Bool {
        switch (self, next) {
        case (.count(let a), .count(let b)): b.subtractingDownToZero(a) <= Self.mostGrowth
        case (.sum(let a), .sum(let b)): b.isFinite && b >= 0 && b - a <= Double(Self.mostGrowth)
        case (.gauge, .gauge): true
        case (.timer(let a, let sum, let maximum), .timer(let b, let otherSum, let otherMaximum)):
            b.count.subtractingDownToZero(a.count) <= Self.mostGrowth && otherSum.subtractingDownToZero(sum) <= Self.mostGrowth
                && max(maximum, otherMaximum) <= Self.longestTime
        case (.recorder(let a, _, _), .recorder(let b, let sum, let maximum)):
            b.count.subtractingDownToZero(a.count) <= Self.mostGrowth && sum.isFinite && maximum.isFinite
        default: false
        }
    }

    /// A timer's longest value, 13 days: longer ones count as this, so that no sum of them wraps in a machine's life.
    package static let longestTime: UInt64 = 1 << 50
}

package struct MetricSeries: Equatable, Sendable {
    package let identity: MetricIdentity
    package var value: MetricValue

    package init(_ identity: MetricIdentity, _ value: MetricValue) {
        self.identity = identity
        self.value = value
    }
}

/// The application's metrics of all processes, as the master hands them out.
package struct MetricsFigures: Equatable, Sendable {
    /// In the order of `MetricIdentity.isBefore`.
    package var series: [MetricSeries]
    /// Series that processes asked for and had no room for, or whose names were too long.
    package var refused: UInt64
    /// Series for which the master had no room.
    package var leftOut: UInt64
    /// Readings of pages that could not be true.
    package var garbled: UInt64

    package init(series: [MetricSeries] = [], refused: UInt64 = 0, leftOut: UInt64 = 0, garbled: UInt64 = 0) {
        self.series = series
        self.refused = refused
        self.leftOut = leftOut
        self.garbled = garbled
    }
}
