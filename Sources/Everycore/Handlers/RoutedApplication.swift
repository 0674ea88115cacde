// From a request to its answer: the table of routes, the handler, and what becomes of its errors.
//
// One per worker, made after the fork around routes that were built before it; called on the loop's thread only.

internal import Cluster
package import EverycoreHTTP
internal import EverycoreLoop

@safe package final class RoutedApplication {
    let table: RouteTable
    private let endpoints: [Endpoint]
    /// The same: looking one up retains nothing.
    private let endpointReferences: [Unmanaged<Endpoint>]
    let afterFiles: (table: RouteTable, offset: Int)?
    package let context: WorkerContext
    private let bodyLimit: Int
    let files: StaticFiles?
    let compressor: ResponseCompressor?
    let waiting: WaitingRequests?
    let tasks = HandlerTasks()
    /// A constant text that is shorter goes straight to the connection.
    private let compressedFrom: Int
    let quarantine: Quarantine?
    /// That of `quarantine`, by itself: looking at it retains nothing.
    private let gate: QuarantineGate?

    /// - Parameters:
    ///   - bodyLimit: the most bytes of content that are collected for a handler; more is a 413.
    ///   - files: answer where no route does.
    ///   - compressor: of what handlers answer; nil sends it as it is.
    package init(
        routes: BuiltRoutes, context: WorkerContext, bodyLimit: Int, files: StaticFiles? = nil,
        compressor: ResponseCompressor? = nil
    ) {
        self.compressor = compressor
        quarantine = context.quarantine
        gate = context.quarantine?.gate
        compressedFrom = compressor?.minimum ?? .max
        waiting = context.blackBox.map { WaitingRequests($0, context.endpoints, on: context.loop) }
        table = routes.table
        endpoints = routes.endpoints
        unsafe endpointReferences = routes.endpoints.map { unsafe Unmanaged.passUnretained($0) }
        afterFiles = routes.afterFiles
        self.context = context
        self.bodyLimit = bodyLimit
        self.files = files
        files?.openFiles = OpenFiles(loop: context.loop)
    }

    /// Returns the response, or leads to exactly one through the exchange, now or later.
    package func answer<Exchange: RequestExchange>(_ exchange: Exchange) -> Outcome {
        let head = exchange.head
        let index = enter(head, at: exchange.start)
        defer { context.blackBox?.leave() }
        if index >= 0 {
            return unsafe endpointReferences[index]._withUnsafeGuaranteedRef { endpoint in
                if let gate, gate.isClosed, let diverted = diverted(endpoint.number, exchange) { return diverted }
                if exchange.hasBody { return collect(endpoint, [], exchange) }
                context.blackBox?.setEndpoint(endpoint.number)
                return call(endpoint, Request(head: head, keptBy: exchange, context: context), exchange)
            }
        }
        if files != nil, let response = answerFromMemory(exchange) { return response }
        return search(exchange)
    }

    /// Notes method and path where they outlive the process, and looks the path up among those without parameters.
    @inline(__always)
    private func enter(_ head: RequestHead, at time: UInt64) -> Int {
        head.withMethodAndPath { line, path in
            context.blackBox?.enter(line, now: time)
            return table.plainEndpoint(head.method, path)
        }
    }

    @inline(never)
    private func search<Exchange: RequestExchange>(_ exchange: Exchange) -> Outcome {
        let head = exchange.head
        // The whole server is meant, not a path that a parameter could match (RFC 9110 §9.3.7).
        if head.method == .options, head.targetForm == .asterisk { return methodsListed(exchange, allMethods) }
        guard knows(head) else { return refused(exchange, HTTPError(501)) }
        if let outcome = answer(exchange, table, from: 0) { return outcome }
        guard let files else { return refused(exchange, HTTPError(404)) }
        let number = Endpoint.files.number
        if let gate, gate.isClosed, let diverted = diverted(number, exchange) { return diverted }
        context.blackBox?.setEndpoint(number)
        do {
            switch try files.answer(exchange) {
            case .file(let outcome): return outcome
            case .page(let response): return outcome(response, exchange)
            }
        } catch {
            if let afterFiles, (error as? HTTPError)?.status == 404,
                let outcome = answer(exchange, afterFiles.table, from: afterFiles.offset)
            {
                return outcome
            }
            return failed(exchange, error)
        }
    }

    /// Answers where a route matches the path; returns nil where none does.
    /// - Parameter offset: of the table's numbers among the endpoints.
    private func answer<Exchange: RequestExchange>(_ exchange: Exchange, _ table: RouteTable, from offset: Int) -> Outcome? {
        switch search(table, exchange.head) {
        case .found(let number, let captures):
            let endpoint = endpoints[offset &+ number]
            if let gate, gate.isClosed, let diverted = diverted(endpoint.number, exchange) { return diverted }
            if exchange.hasBody { return collect(endpoint, captures, exchange) }
            context.blackBox?.setEndpoint(endpoint.number)
            return call(endpoint, request(endpoint, captures, [], exchange), exchange)
        case .methodNotAllowed(let methods):
            return exchange.head.method == .options ? methodsListed(exchange, methods) : methodRefused(exchange, methods)
        case .notFound:
            return nil
        }
    }

    /// The method and pattern of the route that a request has; nil for none.
    @inline(never)
    func route(of head: RequestHead) -> String? {
        if case .found(let number, _) = search(table, head) { return endpoints[number].description.text }
        guard let afterFiles, case .found(let number, _) = search(afterFiles.table, head) else { return nil }
        return endpoints[afterFiles.offset &+ number].description.text
    }

    /// A path that is remembered as a file's has no route: it was searched among them first. Nil for any other.
    @inline(__always)
    private func answerFromMemory<Exchange: RequestExchange>(_ exchange: Exchange) -> Outcome? {
        guard let files else { return nil }
        do { return try files.answerFromMemory(exchange) } catch { return failed(exchange, error) }
    }

    @inline(never)
    private func collect<Exchange: RequestExchange>(
        _ endpoint: Endpoint, _ captures: [Range<Int>], _ exchange: Exchange
    ) -> Outcome {
        context.blackBox?.setEndpoint(endpoint.number)
        if case .streaming = endpoint.handler { return call(endpoint, request(endpoint, captures, [], exchange), exchange) }
        exchange.collectBody(upTo: bodyLimit) { [self] result in
            // The connection has answered a failure, or the client is gone.
            guard case .success(let bytes) = result else { return }
            _ = enter(exchange.head, at: exchange.start)
            context.blackBox?.setEndpoint(endpoint.number)
            exchange.respond(call(endpoint, request(endpoint, captures, bytes, exchange), exchange))
            context.blackBox?.leave()
        }
        return .later
    }

    private func request<Exchange: RequestExchange>(
        _ endpoint: Endpoint, _ captures: [Range<Int>], _ body: [UInt8], _ exchange: Exchange
    ) -> Request {
        Request(
            head: exchange.head, keptBy: exchange, context: context,
            parameterNames: endpoint.parameterNames, captures: captures, body: body,
            trailers: exchange.trailers)
    }

    /// Calls a handler. An async one that is not over when this returns is among those that wait.
    @inline(__always)
    private func call<Exchange: RequestExchange>(_ endpoint: Endpoint, _ request: Request, _ exchange: Exchange) -> Outcome {
        if endpoint.isSync {
            defer { endpoint.answered(in: context.endpoints) }
            do {
                return outcome(try endpoint.syncHandler(request), exchange, of: endpoint)
            } catch {
                return failed(exchange, error)
            }
        }
        return startHandler(endpoint, request, exchange)
    }

    @inline(never)
    private func startHandler<Exchange: RequestExchange>(_ endpoint: Endpoint, _ request: Request, _ exchange: Exchange) -> Outcome {
        switch endpoint.handler {
        case .sync: return failed(exchange, HTTPError(500))
        case .async(let handler): return start(handler, request, exchange, endpoint)
        case .streaming(let limit, let handler):
            let source = BodySource(exchange, upTo: limit, on: context.loop)
            return start({ try await handler($0, BodyStream(source: source)) }, Request(request, contentFrom: source), exchange, endpoint)
        }
    }

    /// Starts an async handler on the loop's thread: what it does before its first suspension happens within this call.
    @inline(never)
    private func start<Exchange: RequestExchange>(
        _ handler: @escaping HandlerTask<Exchange>.Body, _ request: Request, _ exchange: Exchange, _ endpoint: Endpoint
    ) -> Outcome {
        let task = tasks.take(for: Exchange.self) ?? HandlerTask(self, endpoint)
        return task.serve(handler, request, exchange, endpoint)
    }

    // MARK: Responses

    /// What becomes of a response, a handler's or one of the server's own.
    @inline(__always)
    func outcome<Exchange: RequestExchange>(_ response: Response, _ exchange: Exchange, of endpoint: Endpoint? = nil) -> Outcome {
        response.constant(shorterThan: compressedFrom) ?? otherOutcome(response, exchange, endpoint)
    }
}

extension RoutedApplication: Application {
    package func respond(to exchange: Exchange) -> Outcome { answer(exchange) }
}
