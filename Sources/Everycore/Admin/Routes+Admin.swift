// The admin worker's routes: figures for people, scripts and Prometheus.
//
// Registered and run in the admin worker, after its fork; the figures come from the master, fresh for each request.

package import Statistics

/// Asks the master for the cluster's figures. The answer comes on the loop, once.
package typealias FiguresSource = (@escaping (ClusterFigures) -> Void) -> Void

extension Routes {
    /// Adds `/`, `/stats`, `/metrics` and `/health`.
    package mutating func addAdmin(server: ServerIdentity, figures source: @escaping FiguresSource) {
        let source = Confined(source)
        @Sendable func figures() async -> ClusterFigures {
            await withCheckedContinuation { continuation in
                source.value { continuation.resume(returning: $0) }
            }
        }

        get("/") { _ in .html(adminPage) }
        get("/stats") { request async in
            Response(contentType: .json, body: .text(StatsPage.json(await figures(), server: server)))
                .header("Cache-Control", "no-store")
        }
        get("/metrics") { request async in
            Response(contentType: .text(MetricsPage.contentType), body: .text(MetricsPage.text(await figures(), server: server)))
        }
        get("/health") { _ in .text("ok\n") }
    }
}

private let adminPage: StaticString = """
    <!doctype html>
    <html lang="en">
    <meta charset="utf-8">
    <title>Everycore: administration</title>
    <h1>Everycore</h1>
    <ul>
    <li><a href="/stats"><code>/stats</code></a>: what the cluster has done, as JSON
    <li><a href="/metrics"><code>/metrics</code></a>: the same for Prometheus
    </ul>
    </html>

    """
