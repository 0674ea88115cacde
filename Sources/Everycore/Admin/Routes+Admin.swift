// The admin worker's routes: figures for browsers, scripts and Prometheus.
//
// Registered and run in the admin worker, after its fork; the figures come from the master, fresh for each request.

package import EverycoreStatistics

extension Routes {
    /// Adds `/stats`, `/metrics` and `/health`.
    package mutating func addAdmin(server: ServerIdentity, figures source: @escaping FiguresSource) {
        let source = LoopBound(source)
        @Sendable func figures() async throws -> ClusterFigures {
            let answer = await withCheckedContinuation { continuation in
                source.value { continuation.resume(returning: $0) }
            }
            guard let answer else { throw HTTPError(503, "the master gave no figures in time") }
            return answer
        }

        get("/stats") { request async throws in
            let page = StatsPage.json(try await figures(), server: server)
            return Response(contentType: .json, body: .text(page)).header("Cache-Control", "no-store")
        }
        get("/metrics") { request async throws in
            let page = MetricsPage.text(try await figures(), server: server)
            return Response(contentType: .text(MetricsPage.contentType), body: .text(page))
        }
        get("/health") { _ in .text("ok\n") }
    }
}
