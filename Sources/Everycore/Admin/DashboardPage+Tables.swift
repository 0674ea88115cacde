// The dashboard's tables, as they are when the page is served. What comes from requests is escaped here and nowhere else.
// Process: admin · Thread: loop

internal import EverycoreStatistics

extension DashboardPage {
    private struct Column {
        let title: String
        var hint = ""
        var isText = false
    }

    /// A cell's text, and its class.
    private typealias Cell = (text: String, kind: String)

    var tables: String {
        """
        <section class="card">\(table("workers", "Workers", Self.workerColumns, workerRows, none: "no workers"))<p id="omitted"></p></section>
        <section class="card">\(table("running", "Requests running now", Self.requestColumns, requestRows, none: "none"))</section>
        <section class="pair"><div class="card">\(table("exits", "Last exits", Self.exitColumns, exitRows, none: "none"))</div>
        <div class="side"><div class="card">\(table("quarantine", "Quarantined routes", Self.quarantineColumns, quarantineRows, none: "nothing is quarantined"))</div>
        <div class="card">\(table("marks", "Events", Self.markColumns, markRows, none: "none"))</div></div></section>
        """
    }

    private static let workerColumns = [
        Column(title: "Worker"), Column(title: "Gen", hint: "generation"), Column(title: "PID"), Column(title: "State", isText: true),
        Column(title: "Age"), Column(title: "Req/s"), Column(title: "p99"), Column(title: "Open", hint: "open connections"),
        Column(title: "Queue", hint: "connections that wait to be accepted"), Column(title: "Lag", hint: "how late the loop's timers fire, p99"),
        Column(title: "Busy", hint: "share of the time that the loop was busy"), Column(title: "CPU"),
        Column(title: "Memory", hint: "proportional set size, else resident memory"), Column(title: "Restarts"),
    ]
    private static let requestColumns = [
        Column(title: "Request", isText: true), Column(title: "Age"), Column(title: "State", isText: true), Column(title: "Worker"), Column(title: "PID"),
    ]
    private static let exitColumns = [
        Column(title: "Time", isText: true), Column(title: "Worker"), Column(title: "Cause", isText: true), Column(title: "Age"),
        Column(title: "Request", isText: true),
    ]
    private static let quarantineColumns = [
        Column(title: "Route", isText: true), Column(title: "Request", isText: true), Column(title: "Deaths"), Column(title: "Since"),
        Column(title: "Ends in"),
    ]
    private static let markColumns = [Column(title: "Time", isText: true), Column(title: "Event", isText: true)]

    // MARK: Rows

    private var workerRows: [[Cell]] {
        guard let frame else { return [] }
        return frame.current.slots.prefix(LiveFrame.workerLimit).map { slot in
            let interval = frame.rates(of: slot)
            let state = slot.state.description
            let process = slot.process
            let memory = process.memory?.proportionalBytes ?? slot.figures[.residentBytes]
            let queue = process.acceptQueue.map { $0.limit > 0 ? "\($0.length) / \($0.limit)" : "\($0.length)" } ?? "–"
            return [
                (String(slot.slot), ""), (String(slot.generation), ""), (String(slot.pid), ""), (state, "t state \(state)"),
                (NumberFormat.uptime(slot.uptimeNanoseconds), ""), (interval?.rate ?? "–", ""), (interval?.p99 ?? "–", ""),
                (NumberFormat.count(slot.figures[.connectionsOpen]), ""), (queue, ""),
                (process.loop.map { NumberFormat.duration($0.lagP99Nanoseconds) } ?? "–", ""), (Self.share(process.loop?.busy), ""),
                (Self.share(frame.cpuShare(of: slot)), ""), (NumberFormat.bytes(memory), ""), (String(slot.restarts), slot.restarts > 0 ? "warn" : ""),
            ]
        }
    }

    static func share(_ share: Double?) -> String {
        share.map { NumberFormat.fixed($0 * 100, digits: $0 < 0.0995 ? 1 : 0) + "%" } ?? "–"
    }

    private var exitRows: [[Cell]] {
        (frame?.current.exits ?? []).suffix(LiveFrame.exitLimit).reversed().map { exit in
            let isOrdered = exit.kind == .voluntary
            let request = exit.request.map { "\($0.description) (\(NumberFormat.duration($0.ageNanoseconds)))" } ?? "–"
            return [
                (Self.clock(exit.unixSeconds), ""), (exit.slot < 0 ? "quarantine" : String(exit.slot), ""),
                (isOrdered ? exit.kind.description : "\(exit.kind), \(exit.reason)", isOrdered ? "t" : "t bad"),
                (NumberFormat.uptime(exit.uptimeNanoseconds), ""), (request, "t w"),
            ]
        }
    }

    private var requestRows: [[Cell]] {
        (frame?.current.requests ?? []).prefix(LiveFrame.requestLimit).map { request in
            [
                (request.description, "w"), (NumberFormat.duration(request.ageNanoseconds), ""), (request.state.description, "t"),
                (request.worker < 0 ? "quarantine" : String(request.worker), ""), (String(request.pid), ""),
            ]
        }
    }

    private var quarantineRows: [[Cell]] {
        (frame?.current.quarantine ?? []).map { record in
            [
                (record.route, "w"), (record.request ?? "all", "t w"), (String(record.deaths), ""),
                (NumberFormat.uptime(record.ageNanoseconds), ""), (NumberFormat.uptime(record.remainingNanoseconds), ""),
            ]
        }
    }

    private var markRows: [[Cell]] {
        (history?.marks(last: 8) ?? []).reversed().map { mark in
            let number = mark.kind == .scaling ? " to \(mark.number)" : mark.number > 1 ? " ×\(mark.number)" : ""
            let text = mark.kind.description.replacing("_", with: " ") + number + (mark.text.isEmpty ? "" : ": \(mark.text)")
            return [(Self.clock(mark.unixMilliseconds / 1000), ""), (text, "t w")]
        }
    }

    /// UTC: the server's zone is not the reader's. The script writes the reader's own.
    private static func clock(_ unixSeconds: UInt64) -> String {
        let parts = [unixSeconds / 3600 % 24, unixSeconds / 60 % 60, unixSeconds % 60].map { $0 < 10 ? "0\($0)" : String($0) }
        return parts.joined(separator: ":") + "Z"
    }

    // MARK: Markup

    private func table(_ id: String, _ title: String, _ columns: [Column], _ rows: [[Cell]], none: String) -> String {
        let heads = columns.enumerated().map { index, column in
            let kind = column.isText || index == 0 ? " class=\"t\"" : ""
            let hint = column.hint.isEmpty ? "" : " title=\"\(column.hint)\""
            return "<th scope=\"col\"\(kind)\(hint)>\(column.title)</th>"
        }
        let body =
            rows.isEmpty ? "<tr><td class=\"none\" colspan=\"20\">\(none)</td></tr>" : rows.map(Self.row).joined(separator: "\n")
        return """
            <div class="scroll" tabindex="0" role="region" aria-label="\(title)"><table><caption>\(title)</caption>
            <thead><tr>\(heads.joined())</tr></thead>
            <tbody id="\(id)">\(body)</tbody></table></div>
            """
    }

    private static func row(_ cells: [Cell]) -> String {
        let cells = cells.enumerated().map { index, cell in
            let kind = cell.kind.isEmpty ? "" : " class=\"\(cell.kind)\""
            return index == 0
                ? "<th scope=\"row\"\(kind)>\(escaped(cell.text))</th>" : "<td\(kind)>\(escaped(cell.text))</td>"
        }
        return "<tr>" + cells.joined() + "</tr>"
    }

    /// For element content and for attributes in double quotes (HTML, 13.2.5).
    static func escaped(_ text: String) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            case "'": escaped += "&#39;"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}
