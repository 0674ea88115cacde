// What `/events` sends once a second, as one line of JSON: the last interval of the cluster and of each worker, and what happened lately.
// The dashboard and `everycore top` read it, also of another version: a member may be missing or unknown to its reader.
//
//   workers[].cpu        share of one core in the interval
//   interval.histogram   pairs of bucket and count of HistogramScale, one array: percentiles of several clusters come from the sum of theirs
//   steps                the last steps of the history, as in `/history`
//   marks                milliseconds since 1970, kind, number, text
// Process: admin · Thread: loop

package struct LiveFrame {
    package static let version = 1
    /// More workers aren't listed: a frame has a bounded size.
    package static let workerLimit = 256
    package static let exitLimit = 10
    package static let requestLimit = 32
    static let markLimit = 24
    static let stepLimit = 3

    package let current: ClusterFigures
    /// The figures before, of the last ten seconds.
    package let previous: ClusterFigures?
    let interval: Interval

    package init(_ current: ClusterFigures, since previous: ClusterFigures?) {
        self.current = current
        self.previous = previous
        interval = Interval(of: current, since: previous)
    }

    /// Seconds between the two; zero where there is only one.
    package var seconds: Double { previous == nil ? 0 : interval.seconds }

    package func json(server: ServerIdentity, unixMilliseconds: UInt64, history: HistoryMemory?) -> String {
        JSONWriter.object { frame in
            frame.member("v", Self.version)
            frame.member("time", unixMilliseconds)
            frame.object("server") { info in
                info.member("name", server.name)
                info.member("version", server.version)
                info.member("uptime_seconds", seconds: current.uptimeNanoseconds)
                info.member("workers_ready", current.workers(in: .ready))
                info.member("workers_wanted", current.wantedWorkers)
                info.member("restarts", current.restarts)
            }
            frame.object("interval") { writeInterval(&$0) }
            frame.object("total") { total in
                total.member("requests", current.total[.requests])
                total.traffic(current.total)
                total.member("resident_bytes", current.total[.residentBytes])
            }
            frame.array("workers", of: Array(current.slots.prefix(Self.workerLimit)), write)
            frame.member("workers_omitted", max(0, current.slots.count - Self.workerLimit))
            frame.requests(current, atMost: Self.requestLimit)
            frame.array("exits", of: current.exits.suffix(Self.exitLimit).reversed(), Self.write)
            frame.quarantine(current)
            if let history {
                frame.rows("steps", history.steps(.fiveMinutes, last: Self.stepLimit).map(\.row))
                frame.rows("marks", history.marks(last: Self.markLimit).map(\.row))
            }
        }
    }

    private func writeInterval(_ writer: inout JSONWriter) {
        writer.member("seconds", seconds)
        guard previous != nil else { return }
        let figures = interval.figures
        writer.member("requests", figures[.requests])
        writer.row("responses", Counter.statusClasses.map { String(figures[$0]) })
        writer.member("bytes_in", figures[.bytesIn])
        writer.member("bytes_out", figures[.bytesOut])
        writer.member("accepted", figures[.connectionsAccepted])
        for (name, percent) in [("p50", 50), ("p90", 90), ("p99", 99), ("p999", 99.9)] {
            writer.member(name, seconds: figures.histogram.percentile(percent))
        }
        var pairs: [String] = []
        for (bucket, count) in figures.histogram.buckets.enumerated() where count > 0 { pairs += [String(bucket), String(count)] }
        writer.row("histogram", pairs)
    }

    private func write(_ writer: inout JSONWriter, _ slot: SlotFigures) {
        writer.member("slot", slot.slot)
        writer.member("generation", slot.generation)
        writer.member("pid", slot.pid)
        writer.member("state", slot.state.description)
        writer.member("uptime_seconds", seconds: slot.uptimeNanoseconds)
        writer.member("requests", slot.figures[.requests])
        writer.member("open", slot.figures[.connectionsOpen])
        writer.member("resident_bytes", slot.figures[.residentBytes])
        writer.member("restarts", slot.restarts)
        writer.process(slot.process, residentBytes: slot.figures[.residentBytes])
        if let share = cpuShare(of: slot) { writer.member("cpu", share) }
        guard let interval = interval(of: slot) else { return }
        writer.member("rate", interval.rate(.requests))
        writer.member("errors", interval.figures[.responses5xx])
        writer.member("p50", seconds: interval.figures.histogram.percentile(50))
        writer.member("p99", seconds: interval.figures.histogram.percentile(99))
    }

    /// The interval as a step of the history; nil where only one reading is known.
    package var step: HistoryStep? {
        guard let previous else { return nil }
        let nanoseconds = current.takenAtNanoseconds.subtractingDownToZero(previous.takenAtNanoseconds)
        return HistoryStep(of: current, since: previous.total, unixMilliseconds: 0, nanoseconds: nanoseconds)
    }

    /// One worker's rate and p99 as texts.
    package func rates(of slot: SlotFigures) -> (rate: String, p99: String)? {
        interval(of: slot).map { (NumberFormat.rate($0.rate(.requests)), $0.figures.histogram.percentileText(99)) }
    }

    /// The CPU time of a worker since the reading before, as a share of one core.
    package func cpuShare(of slot: SlotFigures) -> Double? {
        guard seconds > 0, let earlier = previous?[slot: slot.slot], earlier.pid == slot.pid, let now = slot.process.usage,
            let then = earlier.process.usage
        else { return nil }
        return Double(now.cpuNanoseconds.subtractingDownToZero(then.cpuNanoseconds)) / 1e9 / seconds
    }

    /// Nil where only one reading of it is known.
    func interval(of slot: SlotFigures) -> Interval? {
        previous?[slot: slot.slot] == nil ? nil : Interval(of: slot, in: current, since: previous)
    }

    private static func write(_ writer: inout JSONWriter, _ exit: ExitRecord) {
        writer.member("time", exit.unixSeconds)
        writer.member("slot", exit.slot)
        writer.member("generation", exit.generation)
        writer.member("pid", exit.pid)
        writer.member("kind", exit.kind.description)
        writer.member("reason", exit.reason)
        writer.member("uptime_seconds", seconds: exit.uptimeNanoseconds)
        guard let request = exit.request else { return }
        writer.member("request", request.description)
        writer.member("age_seconds", seconds: request.ageNanoseconds)
    }
}

/// `/history`: the steps of a span, each an array of the named columns, and the marks.
package enum HistoryPage {
    static let columns = [
        "time_ms", "seconds", "requests", "1xx", "2xx", "3xx", "4xx", "5xx", "bytes_in", "bytes_out", "accepted", "open", "ready", "wanted",
        "p50", "p90", "p99", "p999",
    ]

    package static func json(_ history: HistoryMemory, _ span: HistorySpan) -> String {
        JSONWriter.object { page in
            page.member("span", span.rawValue)
            page.member("step_seconds", span.stepMilliseconds / 1000)
            page.row("columns", columns.map(JSONWriter.quoted))
            page.rows("steps", history.steps(span).map(\.row))
            page.rows("marks", history.marks().map(\.row))
        }
    }
}

extension HistoryStep {
    /// As JSON, in the order of the columns.
    var row: [String] {
        let counts = [requests] + responses + [bytesIn, bytesOut, connectionsAccepted]
        return [String(unixMilliseconds), NumberFormat.seconds(nanoseconds)] + counts.map { String($0) }
            + [String(connectionsOpen), String(workersReady), String(workersWanted)] + percentiles.map(NumberFormat.seconds)
    }
}

extension HistoryMark {
    var row: [String] { [String(unixMilliseconds), JSONWriter.quoted(kind.description), String(number), JSONWriter.quoted(text)] }
}
