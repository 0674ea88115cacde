// The dashboard as it is served: one page with everything in it, the figures of now as text and tables, and a script that keeps them new. Without
// JavaScript the browser loads it again every two seconds.
// Only inline style and script with this response's nonce run, and connections go to the server that it came from (Content Security Policy
// Level 3). Its links are relative: a proxy may have removed a prefix.
// Process: admin · Thread: loop

internal import EverycoreStatistics

struct DashboardPage {
    let frame: LiveFrame?
    let server: ServerIdentity
    let history: HistoryMemory?

    init(frame: LiveFrame?, live: LiveFigures) {
        self.frame = frame
        server = live.server
        history = live.history
    }

    func response() -> Response {
        let nonce = Self.nonce()
        let policy = """
            default-src 'none'; style-src 'nonce-\(nonce)'; script-src 'nonce-\(nonce)'; connect-src 'self'; base-uri 'none'; \
            form-action 'none'; frame-ancestors 'none'
            """
        return Response.html(html(nonce: nonce)).header("Content-Security-Policy", policy).header("Cache-Control", "no-store")
            .header("X-Content-Type-Options", "nosniff").header("Referrer-Policy", "no-referrer")
    }

    /// 128 random bits in hexadecimal.
    static func nonce() -> String {
        var source = SystemRandomNumberGenerator()
        return (0..<2).map { _ in
            let digits = String(source.next(), radix: 16)
            return String(repeating: "0", count: 16 - digits.utf8.count) + digits
        }.joined()
    }

    func html(nonce: String) -> String {
        """
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width,initial-scale=1">
        <title>\(Self.escaped(server.name)): dashboard</title>
        <noscript><meta http-equiv="refresh" content="2"></noscript>
        <style nonce="\(nonce)">\(dashboardStyle)</style>
        </head>
        <body>
        \(header)
        <main>
        <section aria-label="Now"><dl class="tiles">\(tiles)</dl></section>
        \(Self.charts)
        \(tables)
        </main>
        <footer><a href="stats">JSON</a> · <a href="metrics">Prometheus</a> · <a href="history?span=24h">history</a></footer>
        <script nonce="\(nonce)">\(dashboardTools)\(dashboardCharts)\(dashboardLive)</script>
        </body>
        </html>

        """
    }

    // MARK: Now

    private var header: String {
        let ready = frame?.current.workers(in: .ready) ?? 0
        let wanted = frame?.current.wantedWorkers ?? 0
        return """
            <header>
            <h1>\(Self.escaped(server.name))<small>\(Self.escaped(server.version))</small></h1>
            <p>up <b id="up">\(frame.map { NumberFormat.uptime($0.current.uptimeNanoseconds) } ?? "–")</b></p>
            <p><b id="ready" class="\(ready < wanted ? "warn" : "")">\(ready) of \(wanted)</b> workers ready</p>
            <p><b id="restarts">\(frame?.current.restarts ?? 0)</b> restarts</p>
            <p id="link" role="status" aria-live="polite">\(frame == nil ? "the master gave no figures" : "as of now")</p>
            </header>
            """
    }

    private var tiles: String {
        let now = Now(frame: frame, step: history?.steps(.fiveMinutes, last: 1).last)
        let total = frame?.current.total ?? FigureSnapshot()
        return [
            tile("requests/s", "rate", now.rate, "requests", "\(NumberFormat.count(total[.requests])) in all"),
            tile("5xx/s", "errors", now.errors, "client", "\(now.clientErrors) 4xx/s", isBad: now.hasErrors),
            tile("p50", "p50", now.p50, "p90", "p90 \(now.p90)"),
            tile("p99", "p99", now.p99, "p999", "p99.9 \(now.p999)"),
            tile("connections", "open", NumberFormat.count(total[.connectionsOpen]), "accepted", "\(now.accepted) new/s"),
            tile("sent", "out", "\(now.bytesOut)/s", "in", "\(now.bytesIn)/s in"),
            tile("CPU", "cpu", cpu, "memory", "\(NumberFormat.bytes(memory)) memory"),
        ].joined()
    }

    private var cpu: String {
        let shares = frame.map { frame in frame.current.slots.compactMap(frame.cpuShare) } ?? []
        return Self.share(shares.isEmpty ? nil : shares.reduce(0, +))
    }

    private var memory: UInt64 {
        let slots = frame?.current.slots ?? []
        return slots.reduce(0) { $0.addingUpToLimit($1.process.memory?.proportionalBytes ?? $1.figures[.residentBytes]) }
    }

    private func tile(_ title: String, _ id: String, _ value: String, _ moreID: String, _ more: String, isBad: Bool = false) -> String {
        """
        <div><dt>\(title)</dt><dd id="\(id)"\(isBad ? " class=\"bad\"" : "")>\(value)</dd><small id="\(moreID)">\(more)</small></div>
        """
    }

    // MARK: Charts

    private static let charts: String = {
        let figures = [
            ("c-requests", "Requests per second", [("s1", "2xx, 3xx"), ("s2", "4xx"), ("s3", "5xx")]),
            ("c-latency", "Latency", [("s1", "p50"), ("s5", "p90"), ("s4", "p99"), ("s3", "p99.9")]),
            ("c-bytes", "Bytes per second", [("s1", "out"), ("s5", "in")]),
            ("c-connections", "Connections", [("s1", "open"), ("s5", "new per second")]),
        ].map { id, title, series in
            let legend = series.map { "<i class=\"\($0)\">\($1)</i>" }.joined()
            return """
                <figure id="\(id)" class="card" tabindex="0" role="group" aria-label="\(title): chart; arrow keys read its values">
                <figcaption><b>\(title)</b>\(legend)<output id="\(id)-at" aria-live="polite"></output></figcaption>\
                <svg aria-hidden="true"></svg></figure>
                """
        }
        let spans = [("5m", "5 minutes", " checked"), ("1h", "1 hour", ""), ("24h", "24 hours", "")].map { value, title, checked in
            "<label><input type=\"radio\" name=\"span\" value=\"\(value)\"\(checked)><span>\(title)</span></label>"
        }
        return """
            <section>
            <div class="bar js"><h2>History</h2><fieldset aria-label="Span of the history">\(spans.joined())</fieldset></div>
            <div class="charts js" id="charts">\(figures.joined(separator: "\n"))</div>
            </section>
            """
    }()
}

/// The rates and percentiles of the last second or so: of two readings, else of the history's last step.
private struct Now {
    var rate = "–", errors = "–", clientErrors = "–", accepted = "–", bytesIn = "–", bytesOut = "–"
    var p50 = "–", p90 = "–", p99 = "–", p999 = "–"
    var hasErrors = false

    init(frame: LiveFrame?, step: HistoryStep?) {
        guard let step = frame?.step ?? step else { return }
        rate = NumberFormat.rate(step.rate(step.requests))
        clientErrors = NumberFormat.rate(step.rate(step.responses[3]))
        errors = NumberFormat.rate(step.rate(step.responses[4]))
        hasErrors = step.responses[4] > 0
        accepted = NumberFormat.rate(step.rate(step.connectionsAccepted))
        bytesIn = NumberFormat.bytes(step.rate(step.bytesIn))
        bytesOut = NumberFormat.bytes(step.rate(step.bytesOut))
        let times = step.percentiles.map { $0 == 0 ? "–" : NumberFormat.duration($0) }
        (p50, p90, p99, p999) = (times[0], times[1], times[2], times[3])
    }
}
