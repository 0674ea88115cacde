// The screen of `everycore top`: a model goes in, lines of text with their styles come out, as many as there is room for.
// Process: any other than a service's · Thread: main

#if Command
internal import EverycoreStatistics

/// A line of the screen.
package struct ScreenLine: Equatable, Sendable {
    package enum Style: Sendable { case plain, title, dim, selected, warning, bad }

    package var text: String
    package var style: Style

    package init(_ text: String = "", _ style: Style = .plain) {
        self.text = text
        self.style = style
    }
}

package struct TopTable {
    let columns: Int
    let rows: Int

    package init(columns: Int, rows: Int) {
        self.columns = max(columns, 20)
        self.rows = max(rows, 6)
    }

    package func lines(_ model: TopModel) -> [ScreenLine] {
        var lines = header(model)
        switch model.view {
        case .workers: lines += workers(model, room: rows - lines.count - 1)
        case .requests(let pid): lines += requests(model, of: pid, room: rows - lines.count - 1)
        case .help: lines += Self.help
        }
        lines = Array(lines.prefix(rows - 1))
        while lines.count < rows - 1 { lines.append(ScreenLine()) }
        lines.append(ScreenLine(footer(model), .dim))
        return lines.map { ScreenLine($0.text.cut(to: columns), $0.style) }
    }

    /// All of it, for an output that is no terminal.
    package static func text(_ model: TopModel) -> String {
        let table = TopTable(columns: 4096, rows: 4096)
        let rows = model.rows.count
        let lines = table.header(model) + table.workers(model, room: rows + 2)
        return lines.map(\.text.withoutTrailingSpaces).joined(separator: "\n") + "\n"
    }

    // MARK: The head

    private func header(_ model: TopModel) -> [ScreenLine] {
        let total = model.total
        var lines = [ScreenLine(first(model, total), .title)]
        let rate = { (value: Double) in total.hasInterval ? NumberFormat.rate(value) : "–" }
        let bytes = { (value: Double) in total.hasInterval ? NumberFormat.bytes(value) : "–" }
        let times = [50, 90, 99, 99.9].map { percent in
            "p\(NumberFormat.trimmed(percent, digits: 1)) " + (total.histogram.count == 0 ? "–" : NumberFormat.duration(total.histogram.percentile(percent)))
        }
        var traffic = ["\(rate(total.requestRate)) req/s", "\(rate(total.errors)) 5xx/s", "\(rate(total.clientErrors)) 4xx/s"] + times
        traffic += ["\(NumberFormat.count(total.open)) open", "\(bytes(total.bytesOut))/s out", "\(bytes(total.bytesIn))/s in"]
        traffic += [total.cpu.map { "CPU \(Self.share($0))" }, "\(NumberFormat.bytes(total.memory)) memory"].compactMap { $0 }
        lines += wrapped(traffic).map { ScreenLine($0, total.errors > 0 ? .warning : .plain) }
        for source in model.sources {
            guard let problem = source.problem else { continue }
            lines.append(ScreenLine("\(source.name): \(problem)", problem == "connecting" ? .dim : .bad))
        }
        let prefix = { (source: TopModel.Source) in model.sources.count > 1 ? "\(source.name): " : "" }
        for source in model.sources {
            if let routes = source.figures?.quarantined, !routes.isEmpty {
                lines.append(ScreenLine("\(prefix(source))quarantined: \(routes.joined(separator: ", "))", .bad))
            }
            if let exit = source.figures?.lastExit { lines.append(ScreenLine("\(prefix(source))last exit: \(exit)", .dim)) }
        }
        return lines + [ScreenLine()]
    }

    private func first(_ model: TopModel, _ total: TopModel.Total) -> String {
        let known = model.sources.compactMap(\.figures)
        var parts: [String] = []
        if let only = known.first, model.sources.count == 1 {
            parts = ["\(only.name) \(only.version)", "up \(NumberFormat.uptime(UInt64(max(0, min(only.uptime, 1e9)) * 1e9)))"]
        } else {
            parts = ["\(known.count) of \(model.sources.count) services"]
        }
        parts.append("\(total.ready)/\(total.wanted) ready")
        parts.append(total.restarts == 1 ? "1 restart" : "\(total.restarts) restarts")
        if model.isPaused { parts.append("PAUSED") }
        return parts.joined(separator: " · ")
    }

    /// The parts with two spaces between them, in as many lines as that takes.
    private func wrapped(_ parts: [String]) -> [String] {
        parts.reduce(into: [""]) { lines, part in
            let last = lines[lines.count - 1]
            if last.isEmpty {
                lines[lines.count - 1] = part
            } else if last.count + 2 + part.count <= columns {
                lines[lines.count - 1] += "  " + part
            } else {
                lines.append(part)
            }
        }
    }

    // MARK: Workers

    private func workers(_ model: TopModel, room: Int) -> [ScreenLine] {
        let rows = model.rows
        guard !rows.isEmpty else { return [] }
        let grid = TextGrid(columns: gridColumns(model)).lines(rows, width: columns)
        // The selected row stays in sight.
        let height = max(room - 1, 1)
        let isCut = rows.count > height
        let shown = isCut ? max(height - 1, 1) : rows.count
        let selected = rows.firstIndex(where: model.isSelected) ?? 0
        let start = min(max(0, selected - shown + 1), rows.count - shown)
        var lines = [ScreenLine(grid[0], .dim)]
        for index in start..<start + shown {
            let worker = rows[index].worker
            let style: ScreenLine.Style = model.isSelected(rows[index]) ? .selected : worker.isWell ? worker.state == "ready" ? .plain : .warning : .bad
            lines.append(ScreenLine(grid[index + 1], style))
        }
        if isCut { lines.append(ScreenLine("… \(rows.count - shown) more", .dim)) }
        return lines
    }

    private func gridColumns(_ model: TopModel) -> [GridColumn<TopModel.Row>] {
        typealias Column = GridColumn<TopModel.Row>
        let several = model.sources.count > 1
        func title(_ text: String, _ sort: TopModel.Sort) -> String { sort == model.sort ? text + (model.isReversed ? "↑" : "↓") : text }
        func number(_ text: String, _ sort: TopModel.Sort, _ importance: Int, _ value: @escaping (TopWorker) -> String?) -> Column {
            Column(title: title(text, sort), importance: importance) { value($0.worker) ?? "–" }
        }
        var columns: [Column] = []
        if several { columns.append(Column(title: "service", importance: .max, alignsLeft: true) { model.sources[$0.source].name.cutInFront(to: 24) }) }
        columns += [
            Column(title: title("worker", .worker), importance: .max, alignsLeft: true) { String($0.worker.slot) },
            Column(title: "gen", importance: 30) { String($0.worker.generation) },
            Column(title: "pid", importance: 60) { String($0.worker.pid) },
            Column(title: "state", importance: 90, alignsLeft: true) { $0.worker.state },
            Column(title: "age", importance: 40) { NumberFormat.uptime(UInt64(max(0, min($0.worker.uptime, 1e9)) * 1e9)) },
            number("req/s", .rate, .max) { $0.rate.map(NumberFormat.rate) },
            number("p99", .p99, 88) { $0.p99.map(Self.time) },
            number("open", .open, 75) { NumberFormat.count($0.open) },
            number("queue", .queue, 80) { worker in worker.queueLength.map { String($0) } },
            number("lag", .lag, 70) { $0.lag.map(Self.time) },
            Column(title: "busy", importance: 50) { $0.worker.busy.map(Self.share) ?? "–" },
            number("CPU", .cpu, 85) { $0.cpu.map(Self.share) },
            number("memory", .memory, 65) { NumberFormat.bytes($0.memory) },
            number("restarts", .restarts, 55) { String($0.restarts) },
        ]
        // What no service tells of has no column.
        let hasQueues = model.rows.contains { $0.worker.queueLength != nil }
        let hasLoops = model.rows.contains { $0.worker.lag != nil || $0.worker.busy != nil }
        return columns.filter { column in
            if column.title.hasPrefix("queue") { return hasQueues }
            return column.title.hasPrefix("lag") || column.title.hasPrefix("busy") ? hasLoops : true
        }
    }

    private static func time(_ seconds: Double) -> String { seconds > 0 ? NumberFormat.duration(UInt64(min(seconds, 1e9) * 1e9)) : "–" }
    private static func share(_ share: Double) -> String { NumberFormat.fixed(share * 100, digits: share < 0.0995 ? 1 : 0) + "%" }

    // MARK: Requests

    private func requests(_ model: TopModel, of pid: Int?, room: Int) -> [ScreenLine] {
        let all = model.sources.flatMap { source in (source.figures?.running ?? []).map { (source.name, $0) } }
        let chosen = all.filter { pid == nil || $0.1.pid == pid }.sorted { $0.1.age > $1.1.age }
        let title = pid.map { "requests that process \($0) runs now" } ?? "requests running now"
        var columns: [GridColumn<(String, TopRequest)>] = [
            GridColumn(title: "age", importance: .max) { Self.time($0.1.age) },
            GridColumn(title: "worker", importance: 80) { $0.1.worker < 0 ? "quarantine" : String($0.1.worker) },
            GridColumn(title: "pid", importance: 60) { String($0.1.pid) },
            GridColumn(title: "state", importance: 70, alignsLeft: true) { $0.1.state },
            GridColumn(title: "request", importance: .max, alignsLeft: true) { $0.1.text },
        ]
        if model.sources.count > 1 { columns.insert(GridColumn(title: "service", importance: 90, alignsLeft: true) { $0.0 }, at: 0) }
        let lines = [ScreenLine(title, .title)]
        if chosen.isEmpty { return lines + [ScreenLine("none", .dim)] }
        let grid = TextGrid(columns: columns).lines(Array(chosen.prefix(max(room - 2, 1))), width: self.columns)
        return lines + grid.enumerated().map { ScreenLine($1, $0 == 0 ? .dim : .plain) }
    }

    // MARK: The foot

    private func footer(_ model: TopModel) -> String {
        let sort = model.view == .workers ? "by \(model.sort.title)  " : ""
        return "\(sort)q quit  h help  s sort  r reverse  space pause  enter requests"
    }

    private static let help: [ScreenLine] = [
        "q            quit",
        "s S          sort by the next, the previous column",
        "w n p o      sort by worker, requests per second, p99, open connections",
        "l c m        sort by loop lag, CPU, memory; once more reverses",
        "r            reverse the order",
        "up down      select a worker (also k and j)",
        "enter        the requests that the selected worker runs now",
        "a            the requests of all workers",
        "space        pause, and go on",
        "h            this help",
        "",
        "Rates and percentiles are of the last second; percentiles of several",
        "services come from their merged histograms. Memory is PSS.",
    ].map { ScreenLine($0) }
}

extension String {
    /// The end of a long name tells more than its beginning.
    fileprivate func cutInFront(to width: Int) -> String { count <= width ? self : "…" + suffix(width - 1) }
}
#endif
