// What a process does with messages, by their type's name. The master has one for all its workers (the sender is a
// WorkerHandle), each worker has one (the sender is a MessageSender).

package import EverycoreLoop

package final class MessageHandlers<Sender> {
    package init() {}

    /// Handlers for the values of one type.
    class Values {
        func deliver(_ payload: WireInput, from sender: Sender) throws {}
    }

    final class Typed<Message: Decodable>: Values {
        var bodies: [(Message, Sender) -> Void] = []

        override func deliver(_ payload: WireInput, from sender: Sender) throws {
            let message = try WireDecoder().decode(Message.self, from: payload)
            for body in bodies { body(message, sender) }
        }
    }

    /// Answers requests of one type.
    struct Answering {
        /// - Parameter reply: called once, with the encodable reply.
        let handle: (_ payload: WireInput, _ sender: Sender, _ reply: @escaping (Reply) -> Void) throws -> Void
    }

    enum Reply {
        case value(any Encodable)
        case failure(any Error)
    }

    /// Everything that is registered under one name.
    final class Named {
        /// More than one where two types have the same name.
        var values: [Values] = []
        var bytes: [(Span<UInt8>, Sender) -> Void] = []
        var answering: Answering?
    }

    private var names: [String: Named] = [:]
    /// Called for messages that reached no handler.
    package var onFailure: [(MessageFailure, Sender) -> Void] = []
    /// Changes when something is registered.
    private(set) var version = 0

    func named(_ name: String) -> Named? { names[name] }

    private func entry(_ name: String) -> Named {
        version += 1
        if let known = names[name] { return known }
        let new = Named()
        names[name] = new
        return new
    }

    /// Every handler of a type is called, in the order of registration.
    package func register<Message: Decodable>(_ type: Message.Type, _ body: @escaping (Message, Sender) -> Void) {
        let entry = entry(String(reflecting: type))
        for case let typed as Typed<Message> in entry.values { return typed.bodies.append(body) }
        let typed = Typed<Message>()
        typed.bodies.append(body)
        entry.values.append(typed)
    }

    package func register(bytes name: String, _ body: @escaping (Span<UInt8>, Sender) -> Void) {
        entry(name).bytes.append(body)
    }

    /// A request has one answer, so a second handler takes the place of the first.
    package func register<Request: RequestMessage>(
        _ type: Request.Type,
        answering body: @escaping (Request, Sender, @escaping (Result<Request.Reply, any Error>) -> Void) -> Void
    ) {
        entry(String(reflecting: type)).answering = Answering { payload, sender, reply in
            body(try WireDecoder().decode(Request.self, from: payload), sender) { result in
                switch result {
                case .success(let value): reply(.value(value))
                case .failure(let error): reply(.failure(error))
                }
            }
        }
    }

    /// As above, with a handler that may suspend. It runs on the loop, at once up to its first suspension.
    package func register<Request: RequestMessage>(
        _ type: Request.Type, answeringAsync body: @escaping (Request, Sender) async throws -> Request.Reply,
        loop: @escaping () -> EventLoop?
    ) {
        register(
            type,
            answering: { request, sender, reply in
                guard let loop = loop() else { return }
                let confined = LoopBound((body, request, sender, reply))
                Task.immediate(executorPreference: loop) {
                    let (body, request, sender, reply) = confined.value
                    do {
                        reply(.success(try await body(request, sender)))
                    } catch {
                        reply(.failure(error))
                    }
                }
            })
    }
}

/// What never leaves the loop's thread, where the compiler can't see that.
struct LoopBound<Value>: @unchecked Sendable {
    let value: Value
    init(_ value: Value) { self.value = value }
}

/// A message that is answered.
///
/// ```swift
/// struct Question: RequestMessage {
///     typealias Reply = Answer
///     let number: Int
/// }
/// ```
public protocol RequestMessage: Codable, SendableMetatype {
    /// What the asker gets.
    associatedtype Reply: Codable, SendableMetatype
}
