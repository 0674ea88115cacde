// The table that the master redraws on a terminal: a header, one row for each worker, a total.
// Rates and percentiles are of the last interval, as the header says; counts are of the whole run.
// Makes lines; moving the cursor and clearing are the caller's.
// Process: master, admin · Thread: loop

package struct LiveTable {
    /// The terminal's columns; nil shows every column.
    package var width: Int?
    /// The terminal's lines; nil shows every worker. The header, the titles, the total and one line on what is left out always show.
    package var height: Int?

    package init(width: Int? = nil, height: Int? = nil) {
        self.width = width
        self.height = height
    }

    /// - Parameter previous: the figures that were drawn last; without them rates and percentiles are of the whole run.
    package func lines(_ current: ClusterFigures, since previous: ClusterFigures?) -> [String] {
        let interval = Interval(of: current, since: previous)
        var rows = current.slots.map { slot in
            TableRow(slot: slot, interval: Interval(of: slot, in: current, since: previous))
        }
        let hidden = hiddenRows(of: rows.count)
        rows.removeLast(hidden)
        rows.append(TableRow(totalOf: current, interval: interval))

        var lines = [header(current, interval).cut(to: width), ""]
        lines += TextGrid(columns: TableRow.columns).lines(rows, width: width)
        if hidden > 0 {
            lines.insert("… and \(hidden) more".cut(to: width), at: lines.count - 1)
        }
        return lines
    }

    private func header(_ current: ClusterFigures, _ interval: Interval) -> String {
        let parts = [
            "up \(NumberFormat.uptime(current.uptimeNanoseconds))",
            "\(NumberFormat.rate(interval.rate(.requests))) req/s",
            "\(current.workers(in: .ready))/\(current.wantedWorkers) ready",
            current.restarts == 1 ? "1 restart" : "\(current.restarts) restarts",
            "rates, percentiles: last \(NumberFormat.trimmed(interval.seconds, digits: 1))s",
        ]
        return parts.joined(separator: " · ")
    }

    private func hiddenRows(of workers: Int) -> Int {
        guard let height else { return 0 }
        let besideWorkers = 4
        guard workers + besideWorkers > height else { return 0 }
        return min(workers, workers + besideWorkers + 1 - max(0, height))
    }
}

/// A worker's row, or the total's.
private struct TableRow {
    let name: String
    let generation: String
    let pid: String
    let state: String
    let restarts: UInt64
    let figures: FigureSnapshot
    let process: ProcessFigures
    let interval: Interval

    init(slot: SlotFigures, interval: Interval) {
        name = String(slot.slot)
        generation = String(slot.generation)
        pid = String(slot.pid)
        state = slot.state.description
        restarts = slot.restarts
        figures = slot.figures
        process = slot.process
        self.interval = interval
    }

    init(totalOf cluster: ClusterFigures, interval: Interval) {
        name = "total"
        generation = ""
        pid = ""
        state = ""
        restarts = cluster.restarts
        figures = cluster.total
        process = cluster.process
        self.interval = interval
    }

    static var columns: [GridColumn<TableRow>] {
        var columns: [GridColumn<TableRow>] = [
            GridColumn(title: "worker", importance: .max, alignsLeft: true) { $0.name },
            GridColumn(title: "gen", importance: 40) { $0.generation },
            GridColumn(title: "pid", importance: 50) { $0.pid },
            GridColumn(title: "state", importance: 90, alignsLeft: true) { $0.state },
            GridColumn(title: "req/s", importance: .max) { NumberFormat.rate($0.interval.rate(.requests)) },
            GridColumn(title: "requests", importance: 95) { String($0.figures[.requests]) },
        ]
        let classes: [(String, Int, Counter)] = [
            ("2xx", 30, .responses2xx), ("4xx", 35, .responses4xx), ("5xx", 75, .responses5xx),
        ]
        for (title, importance, counter) in classes {
            columns.append(
                GridColumn(title: title, importance: importance) { NumberFormat.count($0.figures[counter]) })
        }
        for (title, counter) in [("in/s", Counter.bytesIn), ("out/s", .bytesOut)] {
            columns.append(
                GridColumn(title: title, importance: 25) { NumberFormat.bytes($0.interval.rate(counter)) })
        }
        columns.append(
            GridColumn(title: "open", importance: 60) { NumberFormat.count($0.figures[.connectionsOpen]) })
        let importances = [80, 45, 85, 20]
        for ((name, percent), importance) in zip(LatencyHistogram.namedPercentiles, importances) {
            columns.append(
                GridColumn(title: "p\(name)", importance: importance) {
                    $0.interval.figures.histogram.percentileText(percent)
                })
        }
        columns += processColumns
        columns += [
            GridColumn(title: "memory", importance: 55) { NumberFormat.bytes($0.figures[.residentBytes]) },
            GridColumn(title: "restarts", importance: 65) { String($0.restarts) },
        ]
        return columns
    }

    /// A dash is what is not known.
    private static var processColumns: [GridColumn<TableRow>] {
        [
            GridColumn(title: "cpu", importance: 58) { $0.interval.cpuShare.map(NumberFormat.percent) ?? "-" },
            GridColumn(title: "busy", importance: 48) { ($0.process.loop?.busy).map(NumberFormat.percent) ?? "-" },
            GridColumn(title: "lag", importance: 46) { ($0.process.loop?.lagMaxNanoseconds).map(NumberFormat.duration) ?? "-" },
            GridColumn(title: "queue", importance: 57) { ($0.process.acceptQueue?.length).map(NumberFormat.count) ?? "-" },
            GridColumn(title: "pss", importance: 22) { ($0.process.memory?.proportionalBytes).map { NumberFormat.bytes($0) } ?? "-" },
        ]
    }
}
