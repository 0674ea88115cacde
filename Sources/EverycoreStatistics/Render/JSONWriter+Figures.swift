// The figures' JSON members, under the names that the article on figures promises to other people's scripts. One place for the interval's
// line, the summary and `/stats`, so that a figure has the same name everywhere.
// Process: master, admin · Thread: loop

extension JSONWriter {
    /// What a total and a single worker have in common.
    mutating func figures(_ figures: FigureSnapshot, reports: ReportTally, restarts: UInt64) {
        member("requests", figures[.requests])
        traffic(figures)
        latency(figures.histogram)
        object("timeouts") { timeouts in
            for (name, counter) in Counter.timeouts {
                timeouts.member(name, figures[counter])
            }
        }
        object("limits") { limits in
            for (name, counter) in Counter.limits {
                limits.member(name, figures[counter])
            }
        }
        member("parse_failures", figures[.parseFailures])
        object("messages") { messages in
            messages.member("sent", figures[.messagesSent])
            messages.member("received", figures[.messagesReceived])
            messages.member("refused", figures[.messagesRefused])
            messages.member("undecodable", figures[.messagesUndecodable])
            messages.object("master") { master in
                master.member("refused", figures[.messagesRefusedByMaster])
                master.member("undecodable", figures[.messagesUndecodableByMaster])
            }
        }
        object("access_log") { log in
            log.member("lines", figures[.accessLogLines])
            log.member("lost", figures[.accessLogLost])
        }
        object("reports") { tally in
            tally.member("received", reports.received)
            tally.member("lost", reports.lost)
            tally.member("refused", figures[.reportsRefused])
            tally.member("ignored", reports.ignored)
            tally.object("ignored_by_reason") { reasons in
                for reason in IgnoredReason.allCases {
                    reasons.member(reason.description, reports[reason])
                }
            }
        }
        member("restarts", restarts)
        member("resident_bytes", figures[.residentBytes])
    }

    mutating func traffic(_ figures: FigureSnapshot) {
        object("responses") { responses in
            for (index, counter) in Counter.statusClasses.enumerated() {
                responses.member("\(index + 1)xx", figures[counter])
            }
        }
        member("bytes_in", figures[.bytesIn])
        member("bytes_out", figures[.bytesOut])
        object("connections") { connections in
            connections.member("accepted", figures[.connectionsAccepted])
            connections.member("handed_over", figures[.connectionsHandedOver])
            connections.member("returned", figures[.connectionsReturned])
            connections.member("open", figures[.connectionsOpen])
        }
    }

    /// Zeros when nothing was recorded, so that a script always finds numbers.
    mutating func latency(_ histogram: LatencyHistogram) {
        object("latency_seconds") { latency in
            latency.member("p50", seconds: histogram.percentile(50))
            latency.member("p90", seconds: histogram.percentile(90))
            latency.member("p99", seconds: histogram.percentile(99))
            latency.member("p999", seconds: histogram.percentile(99.9))
            latency.member("max", seconds: histogram.maxNanoseconds)
            latency.member("mean", seconds: histogram.meanNanoseconds)
        }
    }

    mutating func workerCounts(_ cluster: ClusterFigures) {
        object("workers") { workers in
            workers.member("ready", cluster.workers(in: .ready))
            workers.member("wanted", cluster.wantedWorkers)
        }
    }

    mutating func workers(_ cluster: ClusterFigures) {
        array("workers", of: cluster.slots) { worker, slot in
            worker.member("slot", slot.slot)
            worker.member("generation", slot.generation)
            worker.member("pid", slot.pid)
            worker.member("state", slot.state.description)
            worker.member("uptime_seconds", seconds: slot.uptimeNanoseconds)
            worker.member("stale_seconds", seconds: slot.staleNanoseconds)
            worker.figures(slot.figures, reports: slot.reports, restarts: slot.restarts)
            worker.process(slot.process, residentBytes: slot.figures[.residentBytes])
        }
    }
}

extension JSONWriter {
    /// The last ends of workers, and how many there were of each kind.
    mutating func exits(_ cluster: ClusterFigures) {
        object("exits_by_kind") { kinds in
            for kind in ExitRecord.Kind.allCases { kinds.member(kind.description, cluster.exitCounts[kind]) }
        }
        array("exits", of: cluster.exits) { entry, exit in
            entry.member("time", exit.unixSeconds)
            entry.member("id", exit.id)
            entry.member("slot", exit.slot)
            entry.member("generation", exit.generation)
            entry.member("pid", exit.pid)
            entry.member("kind", exit.kind.description)
            entry.member("reason", exit.reason)
            entry.member("voluntary", exit.kind == .voluntary)
            entry.member("uptime_seconds", seconds: exit.uptimeNanoseconds)
            entry.member("requests", exit.requests)
            entry.member("peak_resident_bytes", exit.peakResidentBytes)
            if let outOfMemory = exit.outOfMemory { entry.member("out_of_memory", outOfMemory) }
            entry.member("waiting_requests", exit.waitingRequests)
            if let request = exit.request {
                entry.object("request") { member in
                    member.member("description", request.description)
                    member.member("age_seconds", seconds: request.ageNanoseconds)
                }
            }
        }
    }
}

extension JSONWriter {
    /// What is quarantined.
    mutating func quarantine(_ cluster: ClusterFigures) {
        object("quarantine") { quarantine in
            quarantine.member("refused", cluster.quarantineRefused)
            quarantine.array("active", of: cluster.quarantine) { entry, record in
                entry.member("route", record.route)
                if let request = record.request { entry.member("request", request) }
                entry.member("deaths", record.deaths)
                entry.member("age_seconds", seconds: record.ageNanoseconds)
                entry.member("remaining_seconds", seconds: record.remainingNanoseconds)
            }
        }
    }
}

extension Counter {
    /// The limits by their names in the configuration.
    static let limits: [(name: String, counter: Counter)] = [
        ("request_line", .limitRequestLine), ("target", .limitTarget), ("field_line", .limitFieldLine),
        ("header_section", .limitHeaderSection), ("field_count", .limitFieldCount), ("body", .limitBody),
        ("body_minimum", .limitBodyRate), ("chunk_extensions", .limitChunkExtensions),
        ("trailer_section", .limitTrailerSection), ("requests_per_connection", .limitRequestsPerConnection),
        ("connections", .limitConnections),
    ]

    /// The timeouts by what was waited for.
    static let timeouts: [(name: String, counter: Counter)] = [
        ("header", .timeoutsHeader), ("body", .timeoutsBody), ("idle", .timeoutsIdle), ("write", .timeoutsWrite),
        ("handler", .timeoutsHandler),
    ]
}
