// Which types of messages a process knows and what it does with them, by the type's name.
// The master has one for all its workers (the sender is a WorkerHandle), each worker has one (the sender is the master).

/// Names of message types. A name is asked for with every message and costs the runtime a walk through its metadata.
final class MessageNames {
    private var names: [ObjectIdentifier: String] = [:]

    /// The fully qualified name, `Shop.Order.Line`.
    func name(of type: Any.Type) -> String {
        if let name = names[ObjectIdentifier(type)] { return name }
        let name = String(reflecting: type)
        names[ObjectIdentifier(type)] = name
        return name
    }
}

final class MessageHandlers<Sender> {
    private var handlers: [String: ([UInt8], Sender) throws -> Void] = [:]

    struct Unknown: Error, CustomStringConvertible {
        var description: String { "no handler is registered for this type" }
    }

    /// A second handler for a type takes the place of the first.
    func register<Message: Decodable>(_ type: Message.Type, _ body: @escaping (Message, Sender) -> Void) {
        handlers[String(reflecting: type)] = { payload, sender in
            body(try WireDecoder().decode(Message.self, from: payload), sender)
        }
    }

    /// Decodes a message and calls its handler.
    /// - Throws: what is wrong with the message; the process goes on.
    func handle(_ packet: Packet, from sender: Sender) throws {
        guard let handler = handlers[packet.name] else { throw Unknown() }
        try handler(Array(packet.payload), sender)
    }
}
