// `/requests`: what runs now, as JSON. Served by the admin worker.
// Process: admin · Thread: loop

package enum RequestsPage {
    package static func json(_ cluster: ClusterFigures) -> String {
        JSONWriter.object { page in
            page.requests(cluster, atMost: RunningRequest.limit)
            page.member("waiting", cluster.waitingRequests)
        }
    }
}

extension JSONWriter {
    /// What runs now and what waits, the oldest first.
    mutating func requests(_ cluster: ClusterFigures, atMost limit: Int) {
        array("requests", of: Array(cluster.requests.prefix(limit))) { entry, request in
            entry.member("worker", request.worker)
            entry.member("generation", request.generation)
            entry.member("pid", request.pid)
            entry.member("state", request.state.description)
            if request.state == .streaming { entry.member("streaming", true) }
            entry.member("method", request.method)
            entry.member("target", request.target)
            entry.member("route", request.route)
            entry.member("age_seconds", seconds: request.ageNanoseconds)
        }
    }
}
