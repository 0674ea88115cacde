// The metrics that are plain counters and gauges of a snapshot, as a table: each is written once for the cluster and, where it
// helps to tell workers apart, once for each worker.
// Process: master, admin · Thread: loop

extension MetricsPage {
    struct Family {
        let name: String
        let kind: PrometheusWriter.Kind
        let help: String
        let series: [(labels: PrometheusWriter.Labels, counter: Counter)]
        let isPerWorker: Bool

        init(
            _ name: String, _ kind: PrometheusWriter.Kind, _ help: String,
            _ series: [(labels: PrometheusWriter.Labels, counter: Counter)], perWorker: Bool = true
        ) {
            self.name = name
            self.kind = kind
            self.help = help
            self.series = series
            isPerWorker = perWorker
        }

        static var all: [Family] {
            [
                Family("requests_total", .counter, "Requests answered.", [([], .requests)]),
                Family("responses_total", .counter, "Responses sent, by status class.", responses),
                Family("received_bytes_total", .counter, "Bytes read from clients.", [([], .bytesIn)]),
                Family("sent_bytes_total", .counter, "Bytes written to clients.", [([], .bytesOut)]),
                Family(
                    "connections_accepted_total", .counter, "Connections accepted.",
                    [([], .connectionsAccepted)]),
                Family(
                    "connections_handed_over_total", .counter, "Accepted connections given to a worker that had fewer.",
                    [([], .connectionsHandedOver)]),
                Family(
                    "connections_returned_total", .counter,
                    "Connections that a worker without a free descriptor sent on to another.",
                    [([], .connectionsReturned)]),
                Family("connections_open", .gauge, "Connections open now.", [([], .connectionsOpen)]),
                Family("resident_memory_bytes", .gauge, "Resident memory.", [([], .residentBytes)]),
                Family(
                    "parse_failures_total", .counter, "Requests refused because they could not be read.",
                    [([], .parseFailures)], perWorker: false),
                Family(
                    "timeouts_total", .counter, "Connections given up, by what was waited for.", timeouts,
                    perWorker: false),
                Family(
                    "limit_hits_total", .counter, "How often each limit struck, by its name in the configuration.", limits,
                    perWorker: false),
                Family(
                    "messages_total", .counter, "Messages between workers and the master, as workers see them.",
                    [([("direction", "sent")], .messagesSent), ([("direction", "received")], .messagesReceived)]),
                Family(
                    "messages_refused_total", .counter, "Messages that found the queue full, by who sent them.",
                    [([("by", "worker")], .messagesRefused), ([("by", "master")], .messagesRefusedByMaster)]),
                Family(
                    "messages_undecodable_total", .counter, "Messages that reached no handler, by who received them.",
                    [([("by", "worker")], .messagesUndecodable), ([("by", "master")], .messagesUndecodableByMaster)]),
                Family("access_log_lines_total", .counter, "Lines left for the access log.", [([], .accessLogLines)], perWorker: false),
                Family(
                    "access_log_lost_total", .counter, "Lines of the access log that were lost: it was written too slowly, or not at all.",
                    [([], .accessLogLost)], perWorker: false),
            ]
        }

        private static var responses: [(labels: PrometheusWriter.Labels, counter: Counter)] {
            Counter.statusClasses.enumerated().map { index, counter in ([("class", "\(index + 1)xx")], counter) }
        }

        private static var limits: [(labels: PrometheusWriter.Labels, counter: Counter)] {
            Counter.limits.map { name, counter in ([("limit", name)], counter) }
        }

        private static var timeouts: [(labels: PrometheusWriter.Labels, counter: Counter)] {
            Counter.timeouts.map { name, counter in ([("phase", name)], counter) }
        }
    }
}
