// Which steps of the history end now: the figures of all workers go in once a second, finished steps come out. A pure value of the master.
// A step of ten seconds or a minute ends where the wall clock passes a multiple of its length, so that steps of several hosts line up.
// Process: master · Thread: loop

package struct HistoryRecorder {
    private struct Begin {
        var figures: FigureSnapshot
        var unixMilliseconds: UInt64
        var monotonic: UInt64
    }

    private var begins: [HistorySpan: Begin] = [:]

    package init() {}

    /// - Parameter monotonic: nanoseconds, as in `figures`.
    /// - Returns: the steps that have ended.
    package mutating func tick(_ figures: ClusterFigures, unixMilliseconds: UInt64) -> [(span: HistorySpan, step: HistoryStep)] {
        advance(figures, unixMilliseconds) { span, begin in
            span == .fiveMinutes || begin.unixMilliseconds / span.stepMilliseconds != unixMilliseconds / span.stepMilliseconds
        }
    }

    /// Ends all steps, before another master goes on.
    package mutating func end(_ figures: ClusterFigures, unixMilliseconds: UInt64) -> [(span: HistorySpan, step: HistoryStep)] {
        advance(figures, unixMilliseconds) { _, _ in true }
    }

    private mutating func advance(
        _ figures: ClusterFigures, _ unixMilliseconds: UInt64, isOver: (HistorySpan, Begin) -> Bool
    ) -> [(span: HistorySpan, step: HistoryStep)] {
        var ended: [(span: HistorySpan, step: HistoryStep)] = []
        let now = figures.takenAtNanoseconds
        for span in HistorySpan.allCases {
            if let begin = begins[span] {
                guard isOver(span, begin) else { continue }
                let step = HistoryStep(
                    of: figures, since: begin.figures, unixMilliseconds: unixMilliseconds, nanoseconds: now.subtractingDownToZero(begin.monotonic))
                ended.append((span, step))
            }
            begins[span] = Begin(figures: figures.total, unixMilliseconds: unixMilliseconds, monotonic: now)
        }
        return ended
    }
}
