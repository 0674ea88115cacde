// The routes that every server has unless its configuration turns them off: they show that it lives, and how fast.
//
// Registered before the fork, run in the workers. They yield to routes of the application's own at the same place.

internal import EverycoreLoop
internal import HTTPTypes

extension Routes {
    /// Adds `/`, `/plaintext`, `/json`, `/whoami`, `/echo`, `/sleep`, `/work`, `/health` and `/ready`, where no other route is.
    ///
    /// - Parameter hasFiles: a root of static files is served; `/` is its index page then, and not the built-in one.
    package mutating func addBuiltIn(hasFiles: Bool = false) {
        yields = true
        defer { yields = false }

        if !hasFiles { get("/") { _ in .html(welcomePage) } }
        get("/plaintext") { _ in .text("Hello, World!") }
        get("/json") { _ in .json(#"{"message":"Hello, World!"}"#) }
        get("/whoami") { request in
            let worker = request.worker
            return Response(
                contentType: .json,
                body: .text(#"{"worker":\#(worker.slot),"generation":\#(worker.generation),"pid":\#(worker.pid)}"#))
        }
        for method in [HTTPRequest.Method.get, .post, .put, .patch] {
            on(method, "/echo", echo)
        }
        get("/sleep") { request in
            let duration = try milliseconds(of: request, upTo: 60_000)
            try await request.context.loop.sleep(for: .milliseconds(duration))
            return .text("slept \(duration) ms\n")
        }
        get("/work") { request in
            let duration = try milliseconds(of: request, upTo: 10_000)
            compute(nanoseconds: UInt64(duration) * 1_000_000)
            return .text("worked \(duration) ms\n")
        }
        get("/health") { _ in .text("ok\n") }
        get("/ready") { request in
            guard !request.context.isDraining, !request.context.isLameDuck else { throw HTTPError(503, "draining") }
            return .text("ready\n")
        }
    }
}

/// The body as it came, under the media type that it came with; a browser is kept from finding another one in it.
private func echo(_ request: Request) -> Response {
    .bytes(request.body.bytes, contentType: request.header("Content-Type") ?? "application/octet-stream")
        .header("X-Content-Type-Options", "nosniff")
}

private func milliseconds(of request: Request, upTo limit: Int) throws(HTTPError) -> Int {
    guard let text = request.queryItem("ms"), !text.isEmpty, text.utf8.allSatisfy({ 0x30...0x39 ~= $0 }),
        let value = Int(text), value <= limit
    else { throw HTTPError(400, "?ms= takes a whole number of milliseconds from 0 to \(limit)") }
    return value
}

/// Keeps the processor busy until the time is over.
private func compute(nanoseconds: UInt64) {
    let end = EventLoop.monotonicNanoseconds() &+ nanoseconds
    var state = end | 1
    while EventLoop.monotonicNanoseconds() < end {
        for _ in 0..<1000 {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
        }
        // A xorshift never comes to zero. The compiler doesn't know, and so it can't leave the loop out.
        if state == 0 { return }
    }
}
