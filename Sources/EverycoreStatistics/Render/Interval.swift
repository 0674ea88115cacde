// What happened between two moments: the difference of two snapshots and the time between them, hence the rates, and percentiles
// that speak of this time alone.
// Without an earlier moment it is the whole run.
// Process: master, admin · Thread: loop

struct Interval {
    let seconds: Double
    /// Cumulative figures of this time; gauges as they are at its end.
    let figures: FigureSnapshot
    /// CPU time by time: 1 is a whole core. Nil where it is not known.
    let cpuShare: Double?

    private init(
        seconds: Double, from earlier: FigureSnapshot?, to later: FigureSnapshot, used before: ProcessUsage?, _ after: ProcessUsage?
    ) {
        self.seconds = seconds
        cpuShare = after.flatMap { after in
            // The time before the first reading is not this interval's.
            guard seconds > 0, earlier == nil || before != nil else { return nil }
            return Double(after.cpuNanoseconds.subtractingDownToZero(before?.cpuNanoseconds ?? 0)) / 1e9 / seconds
        }
        // Figures that fell are those of a slot that was given up and begun again: all of them are new.
        if let earlier, !later.fellBehind(earlier) {
            figures = later.minus(earlier)
        } else {
            figures = later
        }
    }

    /// The whole cluster's.
    init(of current: ClusterFigures, since previous: ClusterFigures?) {
        self.init(
            seconds: Self.seconds(of: current, since: previous), from: previous?.total, to: current.total, used: previous?.usage,
            current.usage)
    }

    /// One slot's.
    init(of slot: SlotFigures, in current: ClusterFigures, since previous: ClusterFigures?) {
        self.init(
            seconds: Self.seconds(of: current, since: previous), from: previous?[slot: slot.slot]?.figures,
            to: slot.figures, used: previous?[slot: slot.slot]?.process.usage, slot.process.usage)
    }

    /// Per second; zero for an interval of no length.
    func rate(_ counter: Counter) -> Double {
        seconds > 0 ? Double(figures[counter]) / seconds : 0
    }

    private static func seconds(of current: ClusterFigures, since previous: ClusterFigures?) -> Double {
        let begin = previous?.takenAtNanoseconds ?? current.startedAtNanoseconds
        return Double(current.takenAtNanoseconds.subtractingDownToZero(begin)) / 1e9
    }
}

extension LatencyHistogram {
    /// The percentiles that every output names, with that name's number.
    static let namedPercentiles: [(name: String, percent: Double)] = [
        ("50", 50), ("90", 90), ("99", 99), ("99.9", 99.9),
    ]

    /// A percentile for people; a dash when there is nothing to tell.
    func percentileText(_ percent: Double) -> String {
        count == 0 ? "-" : NumberFormat.duration(percentile(percent))
    }
}
