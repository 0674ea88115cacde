// The metrics of the workers' processes. A family is there when any worker's figure is known.
// Process: master, admin · Thread: loop

extension MetricsPage {
    /// The cluster's.
    static func writeProcesses(_ cluster: ClusterFigures, to page: inout PrometheusWriter) {
        if let usage = cluster.usage {
            page.family("everycore_cpu_seconds_total", .counter, "CPU time of workers, by where it was spent.")
            page.sample("everycore_cpu_seconds_total", [("mode", "user")], seconds: usage.userNanoseconds)
            page.sample("everycore_cpu_seconds_total", [("mode", "system")], seconds: usage.systemNanoseconds)
            page.family("everycore_context_switches_total", .counter, "Context switches of workers, by kind.")
            page.sample("everycore_context_switches_total", [("kind", "voluntary")], usage.voluntarySwitches)
            page.sample("everycore_context_switches_total", [("kind", "involuntary")], usage.involuntarySwitches)
            page.family("everycore_loop_busy_seconds_total", .counter, "Time in which workers' loops did not wait for events.")
            page.sample("everycore_loop_busy_seconds_total", [], seconds: usage.busyNanoseconds)
        }
        if let queue = cluster.process.acceptQueue {
            page.family("everycore_accept_queue_length", .gauge, "Connections that wait to be accepted.")
            page.sample("everycore_accept_queue_length", [], queue.length)
            page.family("everycore_accept_queue_limit", .gauge, "Connections that may wait to be accepted.")
            page.sample("everycore_accept_queue_limit", [], queue.limit)
        }
    }

    /// By worker.
    static func writeWorkerProcesses(_ cluster: ClusterFigures, to page: inout PrometheusWriter) {
        for family in ProcessFamily.all {
            let known = cluster.slots.map { ($0, family.samples($0.process)) }.filter { !$0.1.isEmpty }
            guard !known.isEmpty else { continue }
            let name = "everycore_worker_\(family.name)"
            page.family(name, family.kind, "By worker: " + family.help)
            for (slot, samples) in known {
                for sample in samples {
                    let labels = [("worker", String(slot.slot))] + sample.labels
                    switch sample.value {
                    case .count(let count): page.sample(name, labels, count)
                    case .seconds(let nanoseconds): page.sample(name, labels, seconds: nanoseconds)
                    }
                }
            }
        }
    }
}

private struct ProcessFamily {
    enum Value {
        case count(UInt64)
        /// Nanoseconds.
        case seconds(UInt64)
    }

    typealias Sample = (labels: PrometheusWriter.Labels, value: Value)

    let name: String
    let kind: PrometheusWriter.Kind
    let help: String
    /// Empty where it is unknown.
    let samples: (ProcessFigures) -> [Sample]

    private init(_ name: String, _ kind: PrometheusWriter.Kind, _ help: String, _ value: @escaping (ProcessFigures) -> Value?) {
        self.init(name, kind, help, samples: { value($0).map { [([], $0)] } ?? [] })
    }

    private init(_ name: String, _ kind: PrometheusWriter.Kind, _ help: String, samples: @escaping (ProcessFigures) -> [Sample]) {
        (self.name, self.kind, self.help, self.samples) = (name, kind, help, samples)
    }

    static var all: [ProcessFamily] {
        [
            ProcessFamily("accept_queue_length", .gauge, "connections that wait to be accepted.") { $0.acceptQueue.map { .count($0.length) } },
            ProcessFamily("accept_queue_limit", .gauge, "connections that may wait to be accepted.") { $0.acceptQueue.map { .count($0.limit) } },
            ProcessFamily("loop_lag_p99_seconds", .gauge, "how late 99 of 100 timers fire, lately.") { $0.loop.map { .seconds($0.lagP99Nanoseconds) } },
            ProcessFamily("loop_lag_max_seconds", .gauge, "how late the latest timer fired, lately.") { $0.loop.map { .seconds($0.lagMaxNanoseconds) } },
            ProcessFamily("loop_busy_ratio", .gauge, "share of the last interval in which the loop did not wait for events.") {
                // A share of 1 is a second in each second.
                $0.loop.map { .seconds($0.busyNanosecondsPerSecond) }
            },
            ProcessFamily("loop_busy_seconds_total", .counter, "time in which the loop did not wait for events.") {
                $0.usage.map { .seconds($0.busyNanoseconds) }
            },
            ProcessFamily(
                "cpu_seconds_total", .counter, "CPU time, by where it was spent.",
                samples: { process in
                    guard let usage = process.usage else { return [] }
                    return [([("mode", "user")], .seconds(usage.userNanoseconds)), ([("mode", "system")], .seconds(usage.systemNanoseconds))]
                }),
            ProcessFamily(
                "context_switches_total", .counter, "context switches, by kind.",
                samples: { process in
                    guard let usage = process.usage else { return [] }
                    return [
                        ([("kind", "voluntary")], .count(usage.voluntarySwitches)), ([("kind", "involuntary")], .count(usage.involuntarySwitches)),
                    ]
                }),
            ProcessFamily("proportional_memory_bytes", .gauge, "memory, shared pages divided among those that have them (PSS).") {
                $0.memory.map { .count($0.proportionalBytes) }
            },
            ProcessFamily("private_memory_bytes", .gauge, "memory that no other process has.") { $0.memory.map { .count($0.privateBytes) } },
            ProcessFamily("memory_age_seconds", .gauge, "age of the two readings of memory.") { $0.memory.map { .seconds($0.ageNanoseconds) } },
            ProcessFamily("descriptors_open", .gauge, "open descriptors.") { $0.descriptors.map { .count($0.open) } },
            ProcessFamily("descriptors_limit", .gauge, "descriptors that may be open.") { $0.descriptors.map { .count($0.limit) } },
        ]
    }
}
