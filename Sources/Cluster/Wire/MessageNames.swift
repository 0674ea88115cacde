// Names of message types, and the numbers that stand for them on a channel: a name is sent once, then its number.
// Each end of a channel numbers the names of its own direction; names beyond a bound are sent each time.

/// The numbers of the names that this end sends.
struct OutgoingNames {
    private var numbers: [String: UInt16] = [:]
    private var types: [ObjectIdentifier: Name] = [:]
    private var lastType: ObjectIdentifier?
    private var lastName = Name(text: "", number: nil)

    struct Name {
        let text: String
        /// Nil until the other side was told.
        var number: UInt16?
    }

    /// So many names have numbers; what a channel remembers of the other side's names is bounded by it.
    static let limit = 4096
    /// So many bytes of text they have together.
    static let byteLimit = 1 << 20
    private var byteCount = 0

    /// The fully qualified name, `Shop.Order.Line`.
    mutating func name(of type: Any.Type) -> Name {
        let identifier = ObjectIdentifier(type)
        if lastType == identifier, lastName.number != nil { return lastName }
        let name: Name
        if let known = types[identifier] {
            name = known.number == nil ? self.name(known.text) : known
        } else {
            name = self.name(String(reflecting: type))
        }
        types[identifier] = name
        lastType = identifier
        lastName = name
        return name
    }

    func name(_ text: String) -> Name { Name(text: text, number: numbers[text]) }

    /// The number under which the name will be known once the record that carries both is sent.
    func next(for text: String) -> UInt16 { hasRoom(for: text) ? UInt16(numbers.count) : MessageRecord.noNumber }

    private func hasRoom(for text: String) -> Bool {
        numbers.count < Self.limit && text.utf8.count <= Self.byteLimit - byteCount
    }

    mutating func remember(_ text: String) {
        guard hasRoom(for: text), numbers[text] == nil else { return }
        byteCount += text.utf8.count
        numbers[text] = UInt16(numbers.count)
    }
}

/// A name that the other side sends, with the handlers for it, which are looked up again when there are new ones.
final class IncomingName<Sender> {
    let text: String
    var handlers: MessageHandlers<Sender>.Named?
    var version = -1

    init(_ text: String) { self.text = text }
}
