// One end of the conversation between the master and a worker: values become messages on a channel, and messages calls of
// handlers. The master's WorkerHandle owns one, the worker's Worker the other.
//
//   Messenger.swift             sending
//   Messenger+Receiving.swift   what arrives
//   Messenger+Requests.swift    requests, replies and their deadlines

internal import EverycoreLoop

package final class Messenger<Sender> {
    package let channel: Channel
    package let handlers: MessageHandlers<Sender>
    let tally: MessageTally
    /// Who is at the other side; nil when the channel is closed.
    package var peer: Sender?
    /// Who sent what was passed on by the master; nil for what is yet to be passed on.
    package var author: (MessageRecord.Route) -> Sender? = { _ in nil }
    /// In the master: passes a message on to another worker.
    var passOn: (OutgoingMessage, MessageRecord.Route) -> Void = { _, _ in }
    /// Logs a message that reached no handler.
    package var onFailure: (MessageFailure, _ author: Sender?) -> Void = { _, _ in }
    var incoming: [IncomingName<Sender>] = []
    /// Of their texts together.
    var incomingByteCount = 0
    var requests = PendingRequests()
    let unanswered = UnansweredRequests()
    private var names = OutgoingNames()
    /// Used again for each message, unless one is made while another is.
    private var output: WireOutput?
    private let byteLimit: Int

    package init(channel: Channel, handlers: MessageHandlers<Sender>, tally: MessageTally) {
        self.channel = channel
        self.handlers = handlers
        self.tally = tally
        byteLimit = channel.options.maximumByteCount
        channel.onMessages = { [unowned self] bytes, messages, file in receive(bytes, messages, file) }
        channel.onClose = { [unowned self] in
            failAllRequests(.disconnected)
            peer = nil
        }
    }

    // MARK: Values

    package func send<Message: Encodable>(_ message: Message, route: MessageRecord.Route? = nil) throws {
        guard channel.loop.isOnLoop else { throw MessageError.notOnLoop }
        try encoding(message) { output throws(MessageError) in
            try counting { () throws(MessageError) in
                try output.withSpan { payload throws(MessageError) in
                    try post(.message, names.name(of: Message.self), route: route, payload)
                }
            }
        }
    }

    package func send(bytes: Span<UInt8>, to name: String, route: MessageRecord.Route? = nil) throws(MessageError) {
        guard channel.loop.isOnLoop else { throw .notOnLoop }
        guard bytes.count <= byteLimit else { throw .tooLarge(limit: byteLimit) }
        do throws(MessageError) {
            try post(.message, names.name(name), flags: .raw, route: route, bytes)
            tally.add(tally.sent)
        } catch {
            noteRefusal(error)
            throw error
        }
    }

    /// Encodes into memory that is used again, and hands the bytes on.
    func encoding<Message: Encodable, Failure: Error>(
        _ message: Message, _ body: (WireOutput) throws(Failure) -> Void
    ) throws {
        let output = self.output ?? WireOutput(sizeLimit: byteLimit)
        self.output = nil
        defer {
            output.reset()
            self.output = output
        }
        try WireEncoder(sizeLimit: byteLimit).encode(message, into: output)
        try body(output)
    }

    func encoded<Message: Encodable>(_ message: Message, route: MessageRecord.Route? = nil) throws -> OutgoingMessage {
        let bytes = try WireEncoder(sizeLimit: byteLimit).encode(message)
        return try OutgoingMessage(kind: .message, flags: [], name: names.name(of: Message.self).text, route: route, bytes)
    }

    // MARK: Prepared messages

    /// Sends what was encoded for several receivers, or long before.
    func send(_ message: OutgoingMessage, bound: Channel.Bound = .message) throws(MessageError) {
        guard channel.loop.isOnLoop else { throw .notOnLoop }
        try counting { () throws(MessageError) in try post(message, bound: bound) }
    }

    func post(_ message: OutgoingMessage, bound: Channel.Bound = .message) throws(MessageError) {
        let name = names.name(message.name)
        guard let file = message.file else {
            return try post(
                message.kind, name, flags: message.flags, request: message.request, route: message.route,
                message.payload.span, bound: bound)
        }
        let header = try header(message.kind, name, message.flags.union(.inFile), message.request, message.route)
        try channel.post(header, in: file, bound: bound)
        if header.name != nil { names.remember(message.name) }
    }

    /// A message in transit: in the packet, or in a file when it is large.
    func post(
        _ kind: MessageRecord.Kind, _ name: OutgoingNames.Name, flags: MessageRecord.Flags = [], request: UInt64 = 0,
        route: MessageRecord.Route? = nil, _ payload: Span<UInt8>, bound: Channel.Bound = .message
    ) throws(MessageError) {
        if payload.count > Channel.inlineLimit {
            let file: SealedFile
            guard channel.isOpen else { throw .disconnected }
            do throws(SystemError) { file = try SealedFile(payload) } catch { throw .system(error) }
            let header = try header(kind, name, flags.union(.inFile), request, route)
            try channel.post(header, in: file, bound: bound)
            if header.name != nil { names.remember(name.text) }
            return
        }
        let header = try header(kind, name, flags, request, route)
        try channel.post(header, payload, bound: bound)
        if header.name != nil { names.remember(name.text) }
    }

    @inline(__always)
    private func header(
        _ kind: MessageRecord.Kind, _ name: OutgoingNames.Name, _ flags: MessageRecord.Flags, _ request: UInt64,
        _ route: MessageRecord.Route?
    ) throws(MessageError) -> MessageRecord.Header {
        if let number = name.number {
            return MessageRecord.Header(kind: kind, flags: flags, number: number, name: nil, request: request, route: route)
        }
        guard name.text.utf8.count <= MessageRecord.longestName else { throw .nameTooLong }
        return MessageRecord.Header(
            kind: kind, flags: flags, number: names.next(for: name.text), name: name.text, request: request, route: route)
    }

    // MARK: Figures

    @inline(__always)
    private func counting(_ body: () throws(MessageError) -> Void) throws(MessageError) {
        do throws(MessageError) {
            try body()
            tally.add(tally.sent)
        } catch {
            noteRefusal(error)
            throw error
        }
    }

    func noteRefusal(_ error: MessageError) {
        if error == .queueFull, channel.isOpen { tally.add(tally.refused) }
    }

    // MARK: Room

    /// Sends a prepared message as soon as there is room.
    /// - Returns: the number to give up with, or nil when `done` was called already.
    func sendWhenRoom(_ message: OutgoingMessage, _ done: @escaping (MessageError?) -> Void) -> Int? {
        do throws(MessageError) {
            try post(message)
            tally.add(tally.sent)
            done(nil)
            return nil
        } catch {
            guard error == .queueFull else {
                done(error)
                return nil
            }
        }
        return channel.waitForRoom { [unowned self] failure in
            if let failure {
                done(failure)
                return true
            }
            do throws(MessageError) {
                try post(message)
                tally.add(tally.sent)
                done(nil)
            } catch {
                guard error != .queueFull else { return false }
                done(error)
            }
            return true
        }
    }

    package nonisolated(nonsending) func sendWhenRoom<Message: Encodable>(_ message: Message) async throws {
        guard channel.loop.isOnLoop else { throw MessageError.notOnLoop }
        let message = try encoded(message)
        let confined = LoopBound(self)
        let loop = channel.loop
        let ticket = RoomTicket()
        let outcome: RoomTicket.Outcome = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                guard !Task.isCancelled else { return continuation.resume(returning: .cancelled) }
                ticket.continuation = continuation
                ticket.number = sendWhenRoom(message) { error in ticket.finish(error.map { .failed($0) } ?? .sent) }
            }
        } onCancel: {
            loop.execute {
                if let number = ticket.number { confined.value.channel.stopWaiting(number) }
                ticket.finish(.cancelled)
            }
        }
        switch outcome {
        case .sent: return
        case .failed(let error): throw error
        case .cancelled: throw CancellationError()
        }
    }

    package func whenRoom(_ body: @escaping () -> Void) {
        guard channel.isOpen, !channel.isFree else { return body() }
        channel.waitForRoom { _ in
            body()
            return true
        }
    }
}

/// A sender that waits for room and may be cancelled; touched on the loop only.
private final class RoomTicket: @unchecked Sendable {
    enum Outcome: Sendable {
        case sent, cancelled
        case failed(MessageError)
    }

    var number: Int?
    var continuation: CheckedContinuation<Outcome, Never>?

    func finish(_ outcome: Outcome) {
        continuation?.resume(returning: outcome)
        continuation = nil
    }
}
