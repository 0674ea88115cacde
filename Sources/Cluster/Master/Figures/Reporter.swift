// Prints the cluster's figures: a live table on a terminal, else a line at each interval; a summary at the end.
// Runs in the master; owned by it.

internal import EverycoreStatistics

final class Reporter {
    private let output: ClusterOptions.Output
    private let console = ConsoleOutput()
    private var table = TerminalTable()
    private var previous: ClusterFigures?
    /// Nil for a line at each interval.
    var lineInterval: Duration?
    private var linePace: LinePace

    init(output: ClusterOptions.Output, now: UInt64) {
        self.output = output
        linePace = LinePace(now: now)
    }

    /// A terminal has its table at each interval; lines may be less often.
    func isDue(now: UInt64) -> Bool { output != .quiet && (showsTable || linePace.isDue(every: lineInterval, now: now)) }

    /// Smaller terminals have no room for a table beside the program's own output.
    private var showsTable: Bool { output == .automatic && (console.size?.rows ?? 0) >= 12 }

    func interval(_ figures: ClusterFigures) {
        if lineInterval != nil, !showsTable, !figures.differs(from: previous) { return }
        switch output {
        case .quiet:
            return
        case .json:
            console.write(IntervalLine.json(figures, since: previous) + "\n")
        case .text:
            console.write(IntervalLine.text(figures, since: previous) + "\n")
        case .automatic:
            if let size = console.size, size.rows >= 12 {
                let height = TerminalTable.maximumHeight(rows: size.rows)
                let lines = LiveTable(width: size.columns, height: height).lines(figures, since: previous)
                console.write(table.draw(lines, columns: size.columns, rows: size.rows))
            } else {
                console.write(IntervalLine.text(figures, since: previous) + "\n")
            }
        }
        previous = figures
    }

    /// Another master goes on printing.
    func leave() { console.write(table.erase(), within: .milliseconds(200)) }

    /// Asked for by a signal.
    func onRequest(_ figures: ClusterFigures) { console.write(summary(figures)) }

    func end(_ figures: ClusterFigures) {
        console.write(table.erase(), within: .milliseconds(200))
        if output != .quiet { console.write(summary(figures), within: .seconds(1)) }
    }

    private func summary(_ figures: ClusterFigures) -> String {
        (output == .json ? RunSummary.json(figures) : RunSummary.text(figures)) + "\n"
    }
}
