// Routes whose requests do harm or don't, as their query says: one route, one path, and now and then a poisoned one. Runs in the workers.

#if TestPrograms
import Everycore
@unsafe @preconcurrency import Glibc

func addBrittle(_ routes: inout Routes) {
    routes.get("/brittle", brittle)
    routes.post("/brittle", brittle)
    routes.get("/brittle/:name", brittle)
    routes.get("/brittle-async") { request async throws in
        try await Task.sleep(for: .milliseconds(Int(request.queryItem("ms") ?? "") ?? 2))
        if request.queryItem("die") != nil { trap() }
        return .text("\(request.worker.slot)\n")
    }
    // The crash comes in a task of the handler's own making, which no request's name is known for.
    routes.get("/brittle-child") { request async throws in
        if request.queryItem("die") != nil { _ = await Task.detached { trap() }.value }
        return .text("\(request.worker.slot)\n")
    }
    routes.group(quarantine: .off) { routes in routes.get("/spared", brittle) }
}

/// Answers with the worker's slot and the content.
private func brittle(_ request: Request) -> Response {
    if let milliseconds = UInt32(request.queryItem("ms") ?? "") { rest(milliseconds: min(milliseconds, 60_000)) }
    if request.queryItem("die") != nil { trap() }
    if request.queryItem("exit") != nil { exit(3) }
    if request.queryItem("stop") != nil { raise(SIGSTOP) }
    return .text("\(request.worker.slot) \(String(decoding: request.body.bytes, as: UTF8.self))\n")
}
#endif
