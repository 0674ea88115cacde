// A running HTTPService on a loopback listener, its loop on a thread of its own, and the small application behind it that
// the connection tests speak to.

import EverycoreHTTP
import EverycoreLoop
import EverycoreStatistics
import Glibc
import Synchronization
import TestSupport

/// Serves until it is stopped. What is behind `onLoop` is touched on the loop's thread only.
@safe final class ConnectionServer: @unchecked Sendable {
    let port: UInt16
    let loop: EventLoop
    let service: HTTPService
    let application = WireApplication()
    let figures: WorkerFigures
    private let memory: UnsafeMutableRawPointer
    private let listener: Int32
    private let thread: LoopThread
    private var isStopped = false

    init(
        limits: HTTPLimits = HTTPLimits(), timeouts: ConnectionTimeouts = ConnectionTimeouts(),
        connectionLimits: ConnectionLimits = ConnectionLimits(), backlog: Int32 = 512
    ) throws {
        listener = try Endpoint.ipv4(0).listening(waits: false, backlog: backlog)
        port = Endpoint.port(of: listener)
        RawClient.setOption(listener, IPPROTO_TCP, TCP_NODELAY, 1)
        // As in every worker: sendfile(2) has no MSG_NOSIGNAL.
        _ = signal(SIGPIPE, SIG_IGN)
        unsafe memory = .allocate(byteCount: WorkerFigures.byteCount, alignment: 64)
        unsafe memory.initializeMemory(as: UInt8.self, repeating: 0, count: WorkerFigures.byteCount)
        figures = unsafe WorkerFigures(at: memory)
        loop = try EventLoop()
        service = HTTPService(
            loop: loop, application: application, limits: limits, timeouts: timeouts, connectionLimits: connectionLimits,
            figures: figures)
        application.loop = loop
        try service.serve(listener: listener)
        thread = LoopThread(loop)
    }

    /// Runs `body` on the loop's thread and waits for what it says.
    func onLoop<Result>(_ body: @escaping () -> Result) -> Result {
        let box = Box<Result>()
        var pipe: [Int32] = [0, 0]
        _ = unsafe Glibc.pipe(&pipe)
        let (reader, writer) = (pipe[0], pipe[1])
        let work = Work(run: { box.value = body() })
        loop.execute {
            work.run()
            var byte: UInt8 = 1
            _ = unsafe write(writer, &byte, 1)
        }
        var byte: UInt8 = 0
        while unsafe read(reader, &byte, 1) < 0, errno == EINTR {}
        close(reader)
        close(writer)
        guard let value = box.value else { preconditionFailure("the loop did not run the body") }
        return value
    }

    private final class Box<Value>: @unchecked Sendable { var value: Value? }
    private struct Work: @unchecked Sendable { let run: () -> Void }

    /// To be read on the loop's thread.
    var openConnections: Int { Int(figures[.connectionsOpen]) }

    /// Waits, at most five seconds, until something on the loop is so.
    func eventually(_ condition: @escaping (ConnectionServer) -> Bool) -> Bool {
        for _ in 0..<2500 {
            if onLoop({ condition(self) }) { return true }
            usleep(2000)
        }
        return false
    }

    /// Waits, at most five seconds, until a figure of the loop's stands still: the same for 20 looks, 2 ms apart.
    func settles<Figure: Equatable>(_ figure: @escaping () -> Figure) -> Bool {
        var last = onLoop(figure), looks = 0
        return eventually { _ in
            let current = figure()
            looks = current == last ? looks + 1 : 0
            last = current
            return looks == 20
        }
    }

    func connect(receiveBuffer: Int32 = 0) throws -> RawClient { try RawClient(port: port, receiveBuffer: receiveBuffer) }

    /// Stops accepting and lets what is in flight end.
    func drain(_ done: @escaping () -> Void = {}) { onLoop { [service] in service.drain(done) } }

    func stop() {
        guard !isStopped else { return }
        isStopped = true
        thread.stop()
        close(listener)
    }

    deinit {
        stop()
        unsafe memory.deallocate()
    }
}

/// Answers by path: `/early`, `/echo`, `/small`, `/later/MS`, `/later-echo/MS`, `/never`, `/forgotten`, `/big/BYTES`, `/status/N`, `/kept`, `/kept-big`,
/// `/injected`, `/injected-nul`, `/injected-lf`, `/injected-cr`, `/trailers`, `/value`,
/// `/twice`, `/mirror`, `/answers-when-cancelled`, `/stream`, `/later-stream/MS`, `/short`, `/abort`, `/abort-unread`; anything else says what the request was.
final class WireApplication: Application {
    var loop: EventLoop?
    /// Paths in the order in which they came.
    var received: [String] = []
    var bodyFailures: [BodyFailure] = []
    var cancelled = 0
    var kept: [Exchange] = []
    /// What a test answers itself: true when it took the exchange.
    var handler: ((Exchange) -> Bool)?
    private var timers: [Int: LoopTimer] = [:]
    private var nextTimer = 0

    func respond(to exchange: Exchange) -> Outcome {
        let path = exchange.head.path
        received.append(path)
        if let handler, handler(exchange) { return .later }
        if path == "/constant" { return .constant(type: "text/plain", text: "constant") }
        answer(exchange, path)
        return .later
    }

    private func answer(_ exchange: Exchange, _ path: String) {
        let parts = path.split(separator: "/").map(String.init)
        let number = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
        // As the layer above does with a method that no route has.
        guard exchange.head.method != .other else {
            try? exchange.respond(status: 501, contentType: "text/plain", body: raw("501 "))
            return
        }
        switch parts.first {
        case "echo": echo(exchange, limit: 1 << 20)
        case "small": echo(exchange, limit: 10)
        case "early": text(exchange, "early \(exchange.head.methodName)")
        case "close": try? exchange.respond(status: 200, fields: [("Connection", "close")], body: raw("close"))
        case "later": later(number) { [self] in text(exchange, "later \(number)") }
        case "later-echo": later(number) { [self] in echo(exchange, limit: 1 << 20) }
        case "forgotten": break
        case "never":
            kept.append(exchange)
            exchange.onCancel = { [self] in cancelled += 1 }
        case "never-echo":
            kept.append(exchange)
            exchange.onCancel = { [self] in cancelled += 1 }
            exchange.collectBody(upTo: 1 << 20) { [self] in if case .failure(let failure) = $0 { bodyFailures.append(failure) } }
        case "answers-when-cancelled":
            exchange.onCancel = { [self] in
                cancelled += 1
                text(exchange, "too late")
            }
            kept.append(exchange)
        case "stream":
            stream(exchange, length: nil)
            exchange.end()
        case "later-stream":
            later(number) { [self] in
                stream(exchange, length: 11)
                exchange.end()
            }
        case "short":
            stream(exchange, length: 20)
            exchange.end()
        case "abort":
            stream(exchange, length: nil)
            exchange.abort()
        case "abort-unread":
            // A malformed body comes while the response is under way.
            stream(exchange, length: nil)
            exchange.streamBody(upTo: 100, piece: { _ in true }, end: { [self] in if let failure = $0 { bodyFailures.append(failure) } })
        case "big": try? exchange.respond(status: 200, body: [UInt8](repeating: 0x78, count: number))
        case "status": try? exchange.respond(status: number, body: raw("content"))
        case "kept":
            kept.append(exchange)
            text(exchange, "kept")
        case "kept-big":
            kept.append(exchange)
            try? exchange.respond(status: 200, body: [UInt8](repeating: 0x78, count: 200_000))
        case "injected": inject(exchange, "\r\n")
        case "injected-nul": inject(exchange, "\0")
        case "injected-lf": inject(exchange, "\n")
        case "injected-cr": inject(exchange, "\r")
        case "twice":
            text(exchange, "first")
            text(exchange, "second")
        case "trailers":
            exchange.collectBody(upTo: 1 << 20) { [self] result in
                let fields = exchange.trailers.fields.map { "\($0.name)=\($0.value)" }.joined(separator: ",")
                if case .success(let bytes) = result { text(exchange, "\(bytes.count) <\(fields)>") }
            }
        case "value":
            let range =
                (0..<exchange.head.fieldCount).compactMap { exchange.head.field(at: $0) }
                .first { exchange.head.string(of: $0.name) == "X-A" }?.value ?? ByteRange(0, 0)
            let value = exchange.head.withBytes(range) { bytes in unsafe bytes.withUnsafeBytes { unsafe Array($0) } }
            try? exchange.respond(status: 200, body: raw("<") + value + raw(">"))
        case "mirror":
            let names = (0..<exchange.head.fieldCount).compactMap { exchange.head.field(at: $0) }
                .filter { !$0.isHopByHop }.map { exchange.head.string(of: $0.name) }
            text(exchange, names.joined(separator: ","))
        default:
            text(exchange, "\(exchange.head.methodName) \(path)")
        }
    }

    private func text(_ exchange: Exchange, _ text: String) {
        try? exchange.respond(status: 200, contentType: "text/plain", body: raw(text))
    }

    private func inject(_ exchange: Exchange, _ text: String) {
        do {
            try exchange.respond(status: 200, fields: [("X-A", "b\(text)Set-Cookie: c")], body: raw("no"))
        } catch {
            try? exchange.respond(status: 500, body: raw("refused"))
        }
    }

    private func echo(_ exchange: Exchange, limit: Int) {
        exchange.collectBody(upTo: limit) { [self] result in
            switch result {
            case .success(let bytes): try? exchange.respond(status: 200, body: bytes)
            case .failure(let failure):
                bodyFailures.append(failure)
                // Too late, and harmless.
                try? exchange.respond(status: 200, body: raw("must not be seen"))
            }
        }
    }

    private func stream(_ exchange: Exchange, length: UInt64?) {
        try? exchange.beginResponse(status: 200, length: length)
        unsafe exchange.write(raw("hello ").span.bytes)
        unsafe exchange.write(raw("world").span.bytes)
    }

    private func later(_ milliseconds: Int, _ body: @escaping () -> Void) {
        let id = nextTimer
        nextTimer += 1
        timers[id] = loop?.after(.milliseconds(milliseconds)) { [self] in
            timers[id] = nil
            body()
        }
    }
}
