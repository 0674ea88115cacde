// Bodies that stream, and what their handlers learn of their ends. Runs in the workers.

#if TestPrograms
import Everycore

/// How streams ended in this worker. Its handlers share one thread.
final class StreamEnds: @unchecked Sendable {
    var incomplete = 0
    var gone = 0
}

func addStreams(_ routes: inout Routes) {
    let ends = StreamEnds()
    routes.stream(.put, "/count", upTo: 5_000_000) { _, body in
        var count = 0
        do {
            for try await piece in body { count += piece.count }
        } catch BodyError.incomplete {
            ends.incomplete += 1
        }
        return .text("\(count)\n")
    }
    routes.stream(.put, "/refuse", upTo: 5_000_000) { _, _ in throw HTTPError(403) }
    routes.get("/endless") { _ in
        .stream { writer in
            do {
                while true { try await writer.write("and so on\n") }
            } catch {
                ends.gone += 1
                throw error
            }
        }
    }
    routes.get("/breaks") { _ in
        .stream { writer in
            try await writer.write("one\n")
            throw Refusal()
        }
    }
    routes.get("/ends") { _ in .text("incomplete \(ends.incomplete), gone \(ends.gone)\n") }
}
#endif
