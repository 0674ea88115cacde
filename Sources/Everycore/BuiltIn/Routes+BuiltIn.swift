// The built-in routes: `/health` and `/ready` of every server, and the demonstration routes of the command.
//
// Registered before the fork, run in the workers. They yield to routes of the application's own.

internal import EverycoreLoop
internal import HTTPTypes

extension Routes {
    /// Adds `/health` and `/ready`, where no other route has their paths.
    package mutating func addHealth() {
        rank = .builtIn
        defer { rank = .own }
        get("/health") { _ in .text("ok\n") }
        get("/ready") { request in
            guard !request.context.isDraining, !request.context.isLameDuck else { throw HTTPError(503, "draining") }
            return .text("ready\n")
        }
    }

    /// Adds `/`, `/plaintext`, `/json`, `/whoami`, `/echo`, `/sleep` and `/work`, where no route matches their paths and no file is.
    ///
    /// - Parameters:
    ///   - hasFiles: a root of static files is served: `/` is its index page or nothing.
    ///   - longestSleep: of `/sleep`, in milliseconds. Any client may ask for it; longer times are cut to it.
    package mutating func addDemonstration(hasFiles: Bool = false, longestSleep: Int = 1000) {
        rank = .demonstration
        defer { rank = .own }
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
            let duration = try milliseconds(of: request, upTo: longestSleep)
            try await request.context.loop.sleep(for: .milliseconds(duration))
            return .text("slept \(duration) ms\n")
        }
        let computations = Computations()
        get("/work") { request in
            let duration = try milliseconds(of: request, upTo: 1000)
            try await computations.run(for: UInt64(duration) * 1_000_000, on: request.context.loop)
            return .text("worked \(duration) ms\n")
        }
    }
}

/// The request's body with its media type; `nosniff` keeps browsers from guessing another one.
private func echo(_ request: Request) -> Response {
    .bytes(request.body.bytes, contentType: request.header("Content-Type") ?? "application/octet-stream")
        .header("X-Content-Type-Options", "nosniff")
}

/// At most the limit.
private func milliseconds(of request: Request, upTo limit: Int) throws(HTTPError) -> Int {
    guard let text = request.queryItem("ms"), !text.isEmpty, text.utf8.allSatisfy({ 0x30...0x39 ~= $0 }) else {
        throw HTTPError(400, "?ms= takes a whole number of milliseconds, of which \(limit) are the most")
    }
    return min(Int(text) ?? limit, limit)
}

/// Keeps the processor busy in time slices, between which the worker serves other requests. Each worker has its own; used on the loop's thread.
private final class Computations: @unchecked Sendable {
    private var count = 0

    /// With the slice's length, bounds how long one turn of the loop takes.
    private static let atMost = 16
    private static let slice: UInt64 = 2_000_000

    func run(for time: UInt64, on loop: EventLoop) async throws {
        guard count < Self.atMost else {
            var error = HTTPError(503, "\(count) computations are running in this worker")
            error.headers["Retry-After"] = "1"
            throw error
        }
        count += 1
        defer { count -= 1 }
        let end = EventLoop.monotonicNanoseconds() &+ time
        while true {
            let now = EventLoop.monotonicNanoseconds()
            guard now < end else { return }
            compute(until: min(end, now &+ Self.slice))
            try await loop.sleep(for: .zero)
        }
    }
}

private func compute(until end: UInt64) {
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
