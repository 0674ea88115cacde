// The dashboard and what feeds it: `/` as it is now, `/events` once a second, `/history`.
// Process: admin · Thread: loop

internal import EverycoreLoop
internal import EverycoreStatistics

extension Routes {
    /// Adds `/`, `/events` and `/history`.
    package mutating func addDashboard(_ live: LiveFigures) {
        let live = LoopBound(live)
        get("/") { _ async in
            let frame = await withCheckedContinuation { continuation in
                live.value.frame { continuation.resume(returning: LoopBound($0)) }
            }.value
            return DashboardPage(frame: frame, live: live.value).response()
        }
        get("/events") { _ in
            guard live.value.hasRoom else {
                return Response.text("\(LiveFigures.streamLimit) event streams are open already\n").status(503).header("Retry-After", "5")
            }
            return Response.stream(contentType: "text/event-stream") { writer in
                guard let stream = live.value.open() else { return }
                defer { live.value.close(stream) }
                // A task of its own: what a client doesn't take can be given up while it is written.
                let task = Task {
                    try await writer.write("retry: 1000\n\n")
                    while let text = try await stream.next() { try await writer.write(text) }
                }
                stream.task = task
                try await withTaskCancellationHandler {
                    try await task.value
                } onCancel: {
                    task.cancel()
                }
            }
            .header("Cache-Control", "no-store").header("X-Accel-Buffering", "no")
        }
        get("/history") { request in
            guard let history = live.value.history else { throw HTTPError(404) }
            guard let span = HistorySpan(rawValue: request.queryItem("span") ?? HistorySpan.fiveMinutes.rawValue) else {
                throw HTTPError(400, "span is one of " + HistorySpan.allCases.map(\.rawValue).joined(separator: ", "))
            }
            return Response(contentType: .json, body: .text(HistoryPage.json(history, span))).header("Cache-Control", "no-store")
        }
    }
}
