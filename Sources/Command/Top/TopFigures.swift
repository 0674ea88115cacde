// What one service says of its last second, taken from a frame of `/events`. Members that another version doesn't send are nil.
// Process: any other than a service's · Thread: main

#if Command
package import EverycoreStatistics

package struct TopWorker: Equatable, Sendable {
    package var slot = 0
    package var generation = 0
    package var pid = 0
    package var state = ""
    package var uptime = 0.0
    package var requests: UInt64 = 0
    package var rate: Double?
    package var p99: Double?
    package var open: UInt64 = 0
    package var restarts: UInt64 = 0
    package var memory: UInt64 = 0
    package var queueLength: UInt64?
    package var queueLimit: UInt64?
    package var lag: Double?
    package var busy: Double?
    /// Of one core.
    package var cpu: Double?

    package init() {}

    init(_ json: JSONValue) {
        slot = Int(clamping: json["slot"]?.count ?? 0)
        generation = Int(clamping: json["generation"]?.count ?? 0)
        pid = Int(clamping: json["pid"]?.count ?? 0)
        state = json["state"]?.plainText ?? ""
        uptime = json["uptime_seconds"]?.number ?? 0
        requests = json["requests"]?.count ?? 0
        rate = json["rate"]?.number
        p99 = json["p99"]?.number
        open = json["open"]?.count ?? 0
        restarts = json["restarts"]?.count ?? 0
        memory = json["memory"]?["pss_bytes"]?.count ?? json["resident_bytes"]?.count ?? 0
        queueLength = json["accept_queue"]?["length"]?.count
        queueLimit = json["accept_queue"]?["limit"]?.count
        lag = json["loop"]?["lag_seconds"]?["p99"]?.number
        busy = json["loop"]?["busy"]?.number
        cpu = json["cpu"]?.number
    }

    /// Serves, or is about to.
    package var isWell: Bool { ["ready", "starting", "draining"].contains(state) }
}

package struct TopRequest: Equatable, Sendable {
    /// -1 for the quarantine worker.
    package var worker = 0
    package var pid = 0
    package var state = ""
    package var text = ""
    package var age = 0.0

    init(_ json: JSONValue) {
        worker = json["worker"]?.count.map { Int(clamping: $0) } ?? -1
        pid = Int(clamping: json["pid"]?.count ?? 0)
        state = json["state"]?.plainText ?? ""
        text = [json["method"]?.plainText, json["target"]?.plainText].compactMap { $0 }.joined(separator: " ")
        age = json["age_seconds"]?.number ?? 0
    }
}

package struct TopFigures: Sendable {
    package var name = ""
    package var version = ""
    package var uptime = 0.0
    package var ready: UInt64 = 0
    package var wanted: UInt64 = 0
    package var restarts: UInt64 = 0
    /// Of the interval; zero where there is none yet.
    package var seconds = 0.0
    package var requests: UInt64 = 0
    package var responses: [UInt64] = []
    package var bytesIn: UInt64 = 0
    package var bytesOut: UInt64 = 0
    package var histogram = LatencyHistogram()
    package var open: UInt64 = 0
    package var workers: [TopWorker] = []
    package var omitted: UInt64 = 0
    package var running: [TopRequest] = []
    /// The last end that nothing had ordered.
    package var lastExit: String?
    package var quarantined: [String] = []

    package init() {}

    /// Nil where it is no frame.
    package init?(frame text: String) {
        guard let json = JSONValue(text), json["v"] != nil, let server = json["server"] else { return nil }
        name = server["name"]?.plainText ?? ""
        version = server["version"]?.plainText ?? ""
        uptime = server["uptime_seconds"]?.number ?? 0
        ready = server["workers_ready"]?.count ?? 0
        wanted = server["workers_wanted"]?.count ?? 0
        restarts = server["restarts"]?.count ?? 0
        if let interval = json["interval"] { take(interval) }
        open = json["total"]?["connections"]?["open"]?.count ?? 0
        workers = Self.list("workers", of: json).map(TopWorker.init)
        omitted = json["workers_omitted"]?.count ?? 0
        running = Self.list("requests", of: json).map(TopRequest.init)
        lastExit = json["exits"]?.elements.first { $0["kind"]?.plainText != "voluntary" }.map(Self.words)
        quarantined = json["quarantine"].map { Self.list("active", of: $0).compactMap { $0["route"]?.plainText } } ?? []
    }

    /// A service sends no longer lists.
    private static func list(_ name: String, of json: JSONValue) -> some Sequence<JSONValue> {
        (json[name]?.elements ?? []).prefix(LiveFrame.workerLimit)
    }

    private mutating func take(_ interval: JSONValue) {
        seconds = max(interval["seconds"]?.number ?? 0, 0)
        requests = interval["requests"]?.count ?? 0
        responses = interval["responses"]?.elements.map { $0.count ?? 0 } ?? []
        bytesIn = interval["bytes_in"]?.count ?? 0
        bytesOut = interval["bytes_out"]?.count ?? 0
        let pairs = interval["histogram"]?.elements.map { $0.count ?? 0 } ?? []
        for index in stride(from: 0, to: pairs.count - 1, by: 2) {
            let bucket = Int(clamping: pairs[index])
            histogram.setBucket(bucket, to: pairs[index + 1])
            // A percentile is never more than the maximum, which a frame doesn't tell.
            if bucket < LatencyHistogram.bucketCount { histogram.maxNanoseconds = max(histogram.maxNanoseconds, HistogramScale.midpoint(of: bucket)) }
        }
    }

    private static func words(for exit: JSONValue) -> String {
        let worker = exit["slot"]?.count.map { "worker \($0)" } ?? "quarantine worker"
        let request = exit["request"]?.plainText.map { " in \($0)" } ?? ""
        return "\(worker) \(exit["kind"]?.plainText ?? "ended"), \(exit["reason"]?.plainText ?? "")\(request)"
    }

    package func rate(_ count: UInt64) -> Double { seconds > 0 ? Double(count) / seconds : 0 }
}
#endif
