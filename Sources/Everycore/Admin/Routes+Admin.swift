// The admin worker's routes: figures for browsers, scripts and Prometheus.
//
// Registered and run in the admin worker, after its fork; the figures come from the master, fresh for each request.

package import EverycoreStatistics

/// Asks the master for the application's own metrics, the same way.
package typealias MetricsSource = (@escaping (MetricsFigures?) -> Void) -> Void

/// Asks the master for the stacks of all workers, as JSON, the same way.
package typealias StacksSource = (@escaping ([UInt8]?) -> Void) -> Void

extension Routes {
    /// Adds `/stats`, `/requests`, `/stacks`, `/metrics` and `/health`.
    /// - Parameters:
    ///   - metricsSource: nil where the program counts no metrics of its own.
    ///   - stacksSource: nil where there is no `/stacks`.
    package mutating func addAdmin(
        server: ServerIdentity, figures source: @escaping FiguresSource, metrics metricsSource: MetricsSource? = nil,
        stacks stacksSource: StacksSource? = nil
    ) {
        let metricsSource = metricsSource.map { LoopBound($0) }
        @Sendable func metrics() async throws -> MetricsFigures? {
            guard let metricsSource else { return nil }
            let answer = await withCheckedContinuation { continuation in
                metricsSource.value { continuation.resume(returning: $0) }
            }
            guard let answer else { throw HTTPError(503, "the master gave no metrics in time") }
            return answer
        }
        let source = LoopBound(source)
        @Sendable func figures() async throws -> ClusterFigures {
            let answer = await withCheckedContinuation { continuation in
                source.value { continuation.resume(returning: $0) }
            }
            guard let answer else { throw HTTPError(503, "the master gave no figures in time") }
            return answer
        }

        get("/stats") { request async throws in
            let page = StatsPage.json(try await figures(), server: server, metrics: try await metrics())
            return Response(contentType: .json, body: .text(page)).header("Cache-Control", "no-store")
        }
        get("/requests") { request async throws in
            Response(contentType: .json, body: .text(RequestsPage.json(try await figures()))).header("Cache-Control", "no-store")
        }
        if let stacksSource { addStacks(stacksSource) }
        get("/metrics") { request async throws in
            let format = MetricsFormat(accepting: request.headers("Accept").joined(separator: ","))
            let page = MetricsPage.text(try await figures(), server: server, metrics: try await metrics(), as: format)
            return Response(contentType: .text(format.contentType), body: .text(page)).header("Vary", "Accept")
        }
        get("/health") { _ in .text("ok\n") }
    }

    /// Stacks cost each worker an interruption: a page of another site must not have a browser ask for them (Fetch Metadata Request Headers,
    /// `Sec-Fetch-Site`).
    private mutating func addStacks(_ source: @escaping StacksSource) {
        let source = LoopBound(source)
        get("/stacks") { request async throws in
            guard request.headers("Sec-Fetch-Site").allSatisfy({ $0 == "same-origin" || $0 == "none" }) else {
                throw HTTPError(403, "another site asks for this page")
            }
            let answer = await withCheckedContinuation { continuation in
                source.value { continuation.resume(returning: $0) }
            }
            guard let answer else { throw HTTPError(503, "the master gave no stacks in time") }
            return Response(contentType: .json, body: .bytes(answer)).header("Cache-Control", "no-store")
        }
    }
}
