// Requests and replies at one end of a conversation. A request waits for its reply until its deadline, or until the other
// side is gone. In master and workers.

internal import EverycoreLoop

extension Messenger {
    /// A reply or a failure has come, or nothing will. One that comes too late is dropped.
    func finish(_ number: UInt64, _ result: Result<WireInput, RequestError>) {
        requests.take(number)?(result)
    }

    func failAllRequests(_ error: RequestError) {
        for finish in requests.takeAll() { finish(.failure(error)) }
    }

    /// Sends a request; when the queue is full, as soon as there is room.
    /// - Parameter done: called once: at once, or from the loop.
    /// - Returns: the request's number, to cancel it with.
    @discardableResult
    package func request<Request: RequestMessage>(
        _ request: Request, deadline: Duration, _ done: @escaping (Result<Request.Reply, RequestError>) -> Void
    ) -> UInt64 {
        let number = requests.next()
        guard channel.loop.isOnLoop else {
            done(.failure(.notSent(.notOnLoop)))
            return number
        }
        let message: OutgoingMessage
        do {
            var encoded = try encoded(request)
            encoded.kind = .request
            encoded.request = number
            message = encoded
        } catch let error as MessageError {
            done(.failure(.notSent(error)))
            return number
        } catch {
            done(.failure(.notEncodable(type: String(reflecting: Request.self), reason: "\(error)")))
            return number
        }
        let timer = channel.loop.after(deadline) { [unowned self] in finish(number, .failure(.deadlinePassed(deadline))) }
        requests.add(number, timer) { result in
            done(
                result.flatMap { payload in
                    do {
                        return .success(try WireDecoder().decode(Request.Reply.self, from: payload))
                    } catch {
                        return .failure(.undecodable(type: String(reflecting: Request.Reply.self), reason: "\(error)"))
                    }
                })
        }
        post(request: message)
        return number
    }

    private func post(request message: OutgoingMessage) {
        do throws(MessageError) {
            try post(message)
            tally.add(tally.sent)
        } catch {
            guard error == .queueFull else { return finish(message.request, .failure(.notSent(error))) }
            channel.waitForRoom { [unowned self] failure in
                if let failure {
                    finish(message.request, .failure(failure == .disconnected ? .disconnected : .notSent(failure)))
                    return true
                }
                guard requests.contains(message.request) else { return true }
                do throws(MessageError) {
                    try post(message)
                    tally.add(tally.sent)
                } catch {
                    if error == .queueFull { return false }
                    finish(message.request, .failure(.notSent(error)))
                }
                return true
            }
        }
    }

    /// Suspends until the reply is there.
    package nonisolated(nonsending) func request<Request: RequestMessage>(
        _ request: Request, deadline: Duration
    ) async throws -> Request.Reply {
        let cancelling = LoopBound(self)
        let loop = channel.loop
        let ticket = Ticket()
        let result: Result<Request.Reply, RequestError>? = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                guard !Task.isCancelled else { return continuation.resume(returning: nil) }
                let confined = LoopBound(continuation)
                ticket.onCancel = { continuation.resume(returning: nil) }
                ticket.number = self.request(request, deadline: deadline) { result in
                    ticket.onCancel = nil
                    confined.value.resume(returning: LoopBound(result).value)
                }
            }
        } onCancel: {
            loop.execute {
                guard let onCancel = ticket.onCancel else { return }
                ticket.onCancel = nil
                _ = cancelling.value.requests.take(ticket.number)
                onCancel()
            }
        }
        guard let result else { throw CancellationError() }
        return try result.get()
    }

    // MARK: Answering

    func answer(_ record: MessageRecord, _ name: IncomingName<Sender>, _ payload: WireInput, _ sender: Sender) {
        let number = record.request
        guard let answering = name.handlers?.answering else {
            fail(name.text, .noHandler)
            return reply(number, name.text, RemoteFailure(.noHandler, ""))
        }
        guard unanswered.count < channel.options.queueCount else {
            return reply(number, name.text, RemoteFailure(.failed, "too many requests of this process wait for an answer"))
        }
        var isAnswered = false
        let place = unanswered.take()
        do {
            try answering.handle(payload, sender) { [weak self] answer in
                // A handler of the callback form may call twice: only the first reply is sent.
                guard let self, !isAnswered else { return }
                isAnswered = true
                place.leave()
                switch answer {
                case .value(let value): reply(number, name.text, value)
                case .failure(let error): reply(number, name.text, RemoteFailure(.failed, "\(error)"))
                }
            }
        } catch {
            isAnswered = true
            place.leave()
            fail(name.text, .undecodable("\(error)"))
            reply(number, name.text, RemoteFailure(.undecodable, "\(error)"))
        }
    }

    private func reply(_ number: UInt64, _ name: String, _ value: some Encodable) {
        guard channel.isOpen else { return }
        do {
            let payload = try WireEncoder(sizeLimit: channel.options.maximumByteCount).encode(value)
            try post(OutgoingMessage(kind: .reply, flags: [], name: name, request: number, route: nil, payload), bound: .reply)
            tally.add(tally.sent)
        } catch {
            if let error = error as? MessageError { noteRefusal(error) }
            reply(number, name, RemoteFailure(.replyNotSent, "\(error)"))
        }
    }

    /// Tells the asker why there is no answer. When not even that finds room, its deadline will.
    private func reply(_ number: UInt64, _ name: String, _ failure: RemoteFailure) {
        guard channel.isOpen else { return }
        do throws(MessageError) {
            let message = try OutgoingMessage(
                kind: .failure, flags: [], name: name, request: number, route: nil, failure.payload)
            try post(message, bound: .reply)
        } catch {
            noteRefusal(error)
        }
    }
}

/// A request that can be cancelled; touched on the loop only.
private final class Ticket: @unchecked Sendable {
    var number: UInt64 = 0
    var onCancel: (() -> Void)?
}

/// Why the other side has no reply: a code and a text, as they travel.
struct RemoteFailure {
    enum Code: UInt8 {
        case noHandler = 1
        case undecodable = 2
        case failed = 3
        case replyNotSent = 4
    }

    let code: Code
    let reason: String

    init(_ code: Code, _ reason: String) {
        self.code = code
        // Long enough for any reason that is read.
        self.reason = reason.utf8.count > 16_384 ? String(reason.prefix(4096)) : reason
    }

    var payload: [UInt8] { [code.rawValue] + Array(reason.utf8) }

    static func error(in payload: WireInput, type: String) -> RequestError {
        guard payload.end > payload.start else { return .failed(reason: "") }
        var text = payload
        text.start += 1
        switch Code(rawValue: payload.bytes.byte(payload.start)) {
        case .noHandler: return .noHandler(type: type)
        case .undecodable: return .undecodable(type: type, reason: text.wholeText)
        case .replyNotSent: return .replyNotSent(reason: text.wholeText)
        case .failed, nil: return .failed(reason: text.wholeText)
        }
    }
}
