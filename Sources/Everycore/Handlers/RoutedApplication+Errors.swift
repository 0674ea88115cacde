// What a client gets instead of a handler's answer, and what the log says then.
// Runs in a worker, on the loop's thread, off the way of requests that succeed.

internal import Cluster
internal import EverycoreHTTP
internal import EverycoreLoop
internal import Logging

extension RoutedApplication {
    /// A handler made a response that can't go on the wire: the client gets a 500, the log the reason.
    @inline(never)
    func unsendable<Exchange: RequestExchange>(_ exchange: Exchange, _ error: any Error) -> Outcome {
        log(exchange, .responseUnsendable, "unsendable response", error)
        return (try? exchange.outcome(of: HTTPError(500).response)) ?? .later
    }

    @inline(never)
    func failed<Exchange: RequestExchange>(_ exchange: Exchange, _ error: any Error) -> Outcome {
        // The client is gone or got its 503; what cancellation made of the handler is no news.
        if exchange.isAnswered, error is CancellationError || error is BodyError { return .later }
        if let error = error as? HTTPError, (400...599).contains(error.status) { return refused(exchange, error) }
        log(exchange, .handlerFailed, "handler failed", error)
        return refused(exchange, HTTPError(500))
    }

    @inline(never)
    func refused<Exchange: RequestExchange>(_ exchange: Exchange, _ error: HTTPError) -> Outcome { outcome(error.response, exchange) }

    func methodRefused<Exchange: RequestExchange>(_ exchange: Exchange, _ methods: MethodSet) -> Outcome {
        var error = HTTPError(405)
        error.headers["Allow"] = methods.description
        return refused(exchange, error)
    }

    func methodsListed<Exchange: RequestExchange>(_ exchange: Exchange, _ methods: MethodSet) -> Outcome {
        outcome(Response.empty(204).header("Allow", methods.description), exchange)
    }

    func log<Exchange: RequestExchange>(_ exchange: Exchange, _ event: ServerLogEvent, _ what: String, _ error: any Error) {
        guard let omitted = context.lines.allows(what, now: EventLoop.monotonicNanoseconds()) else { return }
        let head = exchange.head
        context.log.log(
            .error, event, "\(oneLine("\(what): \(head.methodName) \(head.path): \(error)"))", metadata: omitted > 0 ? ["omitted": "\(omitted)"] : nil)
    }

    /// A handler has not answered in time: its client gets a 503, the log a line.
    func timedOut<Exchange: RequestExchange>(_ exchange: Exchange) {
        let now = EventLoop.monotonicNanoseconds()
        guard let omitted = context.timeoutLines.allows(0, now: now) else { return }
        let head = exchange.head
        var fields: Logger.Metadata = [
            "request": "\(LogText.plain("\(head.methodName) \(head.path)"))",
            "age": "\(Duration.nanoseconds(Int64(clamping: now &- min(exchange.start, now))).inSeconds)",
        ]
        if let route = route(of: head) { fields["route"] = "\(LogText.plain(route))" }
        if omitted > 0 { fields["omitted"] = "\(omitted)" }
        context.log.log(.warning, .handlerTimedOut, "handler took too long: answered with 503", metadata: fields)
    }

    /// Text from outside, made fit for the log: no control characters, bounded.
    private func oneLine(_ text: String, limit: Int = 2000) -> String {
        var line = ""
        for scalar in text.unicodeScalars.prefix(limit) {
            line += scalar.properties.generalCategory == .control ? scalar.escaped(asASCII: true) : String(scalar)
        }
        return line
    }
}
