// What an operator orders and what comes back, on the way between the auxiliary that has the operator's connection and the master.
// The same types in both processes; each checks what it is sent.
// Process: any · Thread: loop

/// One order: a verb and what it is to be done with.
package struct ControlOrder: Codable, Equatable, Sendable {
    package let verb: String
    package let arguments: [String: String]

    package init(verb: String, arguments: [String: String] = [:]) {
        self.verb = verb
        self.arguments = arguments
    }

    package subscript(name: String) -> String? { arguments[name] }

    /// Encoded, an order is no longer than this.
    package static let byteLimit = 16_384
}

/// A part of the answer to an order. Any number of `progress` and `data`, then one `end`.
package enum ControlReply: Codable, Equatable, Sendable {
    /// What is waited for.
    case progress(String)
    /// A piece of the JSON text that comes with the end.
    case data([UInt8])
    case end(isDone: Bool, message: String)

    /// Encoded, a reply is no longer than this: a packet has room for it.
    static let byteLimit = 65_536
    /// A longer text of JSON goes in several pieces.
    static let pieceByteCount = 60_000
    /// All pieces together.
    package static let dataByteLimit = 16 << 20
}

/// How an order ended.
package struct ControlOutcome: Equatable, Sendable {
    /// False: it was refused, it failed, or it was rolled back; the message says why.
    package let isDone: Bool
    package let message: String
    /// JSON.
    package let data: String?

    package init(isDone: Bool, message: String, data: String? = nil) {
        self.isDone = isDone
        self.message = message
        self.data = data
    }
}
