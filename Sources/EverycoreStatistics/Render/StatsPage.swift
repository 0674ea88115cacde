// `/stats`: everything as JSON, under the names that the article on figures promises. Served by the admin worker.
// Process: master, admin · Thread: loop

/// Who serves: what the pages say about the server itself.
package struct ServerIdentity: Equatable, Sendable {
    package var name: String
    package var version: String
    /// Seconds since 1970 when the cluster began.
    package var startedUnixSeconds: UInt64
    /// The master's process id; 0 where it isn't known.
    package var pid: Int32 = 0
    /// The addresses of the service.
    package var listening: [String] = []
    /// The address of the control socket, or `off`.
    package var control = "off"

    package init(name: String, version: String, startedUnixSeconds: UInt64) {
        self.name = name
        self.version = version
        self.startedUnixSeconds = startedUnixSeconds
    }
}

package enum StatsPage {
    /// - Parameter metrics: the application's own, where it counts any.
    package static func json(_ cluster: ClusterFigures, server: ServerIdentity, metrics: MetricsFigures? = nil) -> String {
        JSONWriter.object { page in
            page.object("server") { info in
                info.member("name", server.name)
                info.member("version", server.version)
                info.member("started", server.startedUnixSeconds)
                if server.pid > 0 {
                    info.member("pid", server.pid)
                    info.member("listening", server.listening.joined(separator: " "))
                    info.member("control", server.control)
                }
                info.member("uptime_seconds", seconds: cluster.uptimeNanoseconds)
                info.member("workers_ready", cluster.workers(in: .ready))
                info.member("workers_wanted", cluster.wantedWorkers)
            }
            page.object("total") { total in
                total.figures(cluster.total, reports: cluster.reports, restarts: cluster.restarts)
                total.process(cluster.process, residentBytes: cluster.total[.residentBytes])
            }
            page.workers(cluster)
            page.exits(cluster)
            page.quarantine(cluster)
            if let metrics { page.metrics(metrics) }
        }
    }
}
