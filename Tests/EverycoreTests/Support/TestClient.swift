// Sends requests to an application without a socket: real request bytes through the real parser, real response bytes from the
// real encoder, and between them what a connection would do.

import Cluster
import Everycore
import EverycoreHTTP
import EverycoreLoop
import Glibc
import Logging
import Testing

/// An application with its own loop, worker identity and log.
final class TestClient {
    let application: RoutedApplication
    /// When requests arrive, in monotonic nanoseconds.
    var time: UInt64 = 0
    let loop: EventLoop
    let log = LogRecorder()
    var context: WorkerContext { application.context }

    init(
        bodyLimit: Int = 1024, files: StaticFiles? = nil, compressor: ResponseCompressor? = nil, blackBox: BlackBox? = nil,
        loop given: EventLoop? = nil, _ register: (inout Everycore.Routes) throws -> Void
    ) throws {
        var routes = Everycore.Routes()
        try register(&routes)
        loop = try given ?? EventLoop()
        let recorder = log
        let context = WorkerContext(
            worker: WorkerIdentity(slot: 2, generation: 3, pid: 4711), loop: loop,
            log: Logger(label: "test") { _ in recorder }, blackBox: blackBox)
        application = RoutedApplication(
            routes: try routes.built(hasFiles: files != nil), context: context, bodyLimit: bodyLimit, files: files, compressor: compressor)
    }

    /// Sends a request and turns the loop until it is answered, at most for five seconds.
    func send(
        _ method: String, _ target: String, headers: [(String, String)] = [], body: String = ""
    ) throws -> TestResponse {
        try #require(try finish(method, target, headers: headers, body: body).response, "no answer")
    }

    /// The same, for who wants the bytes of the answer.
    func finish(
        _ method: String, _ target: String, headers: [(String, String)] = [], body: String = ""
    ) throws -> TestExchange {
        let exchange = try start(method, target, headers: headers, body: body)
        if !exchange.isAnswered {
            exchange.onAnswer = { [loop] in loop.stop() }
            let limit = loop.after(.seconds(5)) { [loop] in loop.stop() }
            loop.run()
            limit.cancel()
        }
        return exchange
    }

    func get(_ target: String) throws -> TestResponse { try send("GET", target) }

    /// Hands a request to the application and returns at once.
    func start(
        _ method: String, _ target: String, headers: [(String, String)] = [], body: String = ""
    ) throws -> TestExchange {
        var text = "\(method) \(target) HTTP/1.1\r\nHost: test\r\n"
        for (name, value) in headers { text += "\(name): \(value)\r\n" }
        if !body.isEmpty { text += "Content-Length: \(body.utf8.count)\r\n" }
        let exchange = TestExchange(head: try Self.parse(text + "\r\n"), body: Array(body.utf8))
        exchange.start = time
        exchange.keeper = application
        exchange.respond(application.answer(exchange))
        return exchange
    }

    private static func parse(_ text: String) throws -> RequestHead {
        let bytes = Array(text.utf8)
        let head = RequestHead()
        var parser = RequestParser(limits: HTTPLimits())
        let progress = unsafe parser.parse(bytes.span.bytes, into: head)
        guard case .complete(let length) = progress else { throw Unparsed(progress: "\(progress)") }
        unsafe bytes.withUnsafeBytes { buffer in
            guard let base = buffer.baseAddress else { return }
            unsafe head.rebase(onto: base, count: length)
            head.detach()
        }
        return head
    }

    struct Unparsed: Error { let progress: String }
}

/// What a connection's exchange is to the application.
final class TestExchange: RequestExchange {
    let head: RequestHead
    private let body: [UInt8]
    private(set) var isAnswered = false
    var onCancel: (() -> Void)?
    var onAnswer: (() -> Void)?
    /// What a connection's exchange keeps.
    var keeper: AnyObject?
    private(set) var response: TestResponse?
    /// The response's body, which may be no text.
    private(set) var content: [UInt8] = []
    /// What was written of a streamed body, write by write.
    private(set) var pieces: [[UInt8]] = []

    init(head: RequestHead, body: [UInt8]) {
        self.head = head
        self.body = body
    }

    var hasBody: Bool { head.hasBody }
    var start: UInt64 = 0
    /// A stand-in's content isn't chunked.
    var trailers: Trailers { Trailers() }

    /// Whether the connection could be moved; where it was moved to is `movers`.
    var canBeMoved = true
    private(set) var movers: [ConnectionMover] = []

    func divert(to mover: @escaping ConnectionMover) -> Bool {
        guard canBeMoved else { return false }
        movers.append(mover)
        return true
    }

    func collectBody(upTo limit: Int, _ done: @escaping (Result<[UInt8], BodyFailure>) -> Void) {
        guard body.count <= limit else {
            refuse(413)
            return done(.failure(.tooLarge))
        }
        done(.success(body))
    }

    private func refuse(_ status: Int) {
        if let response = try? CheckedResponse(status: status) { respond(response) }
    }

    func respond(_ response: CheckedResponse) {
        guard !isAnswered, begun == nil else { return }
        if case .stream(let length) = response.content {
            begun = response
            announced = length
        } else {
            send(response, written: nil)
        }
    }

    private func send(_ response: CheckedResponse, written: [UInt8]?) {
        var output = OutputBuffer()
        var encoder = ResponseEncoder()
        encoder.updateDate(unixSeconds: 0)
        let request = ResponseEncoder.Request(minorVersion: 1, isHead: head.method == .head, keepsConnection: true)
        let outcome = encoder.append(response, for: request, to: &output)
        if outcome.body != .omitted {
            switch response.content {
            case .none: break
            case .constant(let text): content = Array(text.description.utf8)
            case .text(let text): content = Array(text.utf8)
            case .bytes(let bytes): content = bytes
            case .stream: content = written ?? []
            case .file(let file):
                let bytes = file.contents()
                #expect(bytes != nil, "the file is shorter than announced")
                content = bytes ?? []
            }
            if outcome.body == .identity, case .file = response.content { output.append(content) }
            if case .stream = response.content { output.append(content) }
        }
        self.response = TestResponse(unsafe output.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) })
        isAnswered = true
        onCancel = nil
        onAnswer?()
    }

    // A stand-in has its content whole and takes any answer at once.

    func streamBody(upTo limit: UInt64, piece: @escaping (RawSpan) -> Bool, end: @escaping (BodyFailure?) -> Void) {
        guard UInt64(body.count) <= limit else {
            refuse(413)
            return end(.tooLarge)
        }
        let body = body
        if !body.isEmpty { _ = unsafe piece(body.span.bytes) }
        end(nil)
    }

    func resumeBody() {}

    private var begun: CheckedResponse?
    private(set) var announced: UInt64?
    private var written: [UInt8] = []

    var sendsContent: Bool { head.method != .head }
    var isWritable: Bool { true }

    func write(_ bytes: RawSpan) {
        let piece = unsafe bytes.withUnsafeBytes { unsafe Array($0) }
        pieces.append(piece)
        written += piece
    }

    func whenWritable(_ body: @escaping () -> Void) { body() }

    func end() {
        guard let begun else { return }
        let written = written
        #expect(!sendsContent || announced == nil || announced == UInt64(written.count), "the content isn't as long as announced")
        send(begun, written: written)
    }

    func abort() { abandon() }

    /// The client goes away, or its time is up.
    func abandon() {
        isAnswered = true
        onCancel?()
    }
}

/// A response as a client reads it.
struct TestResponse {
    let status: Int
    let fields: [(name: String, value: String)]
    let body: String

    init(_ text: String) {
        let halves = text.split(separator: "\r\n\r\n", maxSplits: 1, omittingEmptySubsequences: false)
        let lines = halves[0].split(separator: "\r\n")
        status = lines.first?.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        fields = lines.dropFirst().map { line in
            let parts = line.split(separator: ":", maxSplits: 1)
            return (parts[0].lowercased(), parts.count < 2 ? "" : String(parts[1].drop { $0 == " " }))
        }
        body = halves.count > 1 ? String(halves[1]) : ""
    }

    subscript(name: String) -> String? { fields.first { $0.name == name }?.value }
    var names: [String] { fields.map(\.name) }
}

/// Keeps log lines for a test to read. One thread writes and reads it: the test's.
final class LogRecorder: LogHandler, @unchecked Sendable {
    private(set) var lines: [String] = []
    var logLevel = Logger.Level.trace
    var metadata = Logger.Metadata()
    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) { lines.append("\(event.level) \(event.message)") }
}
