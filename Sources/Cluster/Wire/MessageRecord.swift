// One message within a packet of messages: the only place where its bytes are laid out. Used by both sides of a channel.
// Whatever arrives is checked; nothing in a record can trap its reader. Numbers are little-endian.
//
//   0      kind
//   1      flags: which of the optional parts follow, and what the payload is
//   2…3    the number of the type's name on this channel and in this direction, or 0xFFFF for a name without a number
//   4…7    byte count of the payload (of the file, when it is in one; the record then ends before the payload)
//   then   named:   2 bytes: byte count; the name in UTF-8, which from here on has the number above
//          request, reply, failure: 8 bytes: the request's number
//          routed:  4 bytes: slot; 4 bytes: generation
//   then   payload

package struct MessageRecord: Equatable {
    package enum Kind: UInt8 {
        /// A value of the named type, or raw bytes for the named handler.
        case message = 1
        /// A value of the named type, to be answered.
        case request = 2
        /// The answer's value.
        case reply = 3
        /// There is no answer: the payload is a `RemoteFailure`.
        case failure = 4
        /// Master: a routed message did not reach the worker of this slot. The payload says why.
        case undelivered = 5
    }

    package struct Flags: OptionSet {
        package let rawValue: UInt8
        package init(rawValue: UInt8) { self.rawValue = rawValue }
        package static let named = Flags(rawValue: 1)
        /// Bytes as they are, for handlers that were registered by a name.
        package static let raw = Flags(rawValue: 2)
        /// The payload is in a sealed file, whose descriptor comes with the packet.
        package static let inFile = Flags(rawValue: 4)
        /// To another worker, or from one.
        package static let routed = Flags(rawValue: 8)
        package static let known: Flags = [.named, .raw, .inFile, .routed]
    }

    /// To the master: where the message should go. From the master: whom it is from.
    package struct Route: Equatable {
        package var slot: Int32
        package var generation: UInt32

        /// In place of a slot: all workers but the sender.
        static let all = Route(slot: .min, generation: 0)
    }

    package enum Malformed: Error, CustomStringConvertible {
        case short, unknownKind(UInt8), unknownFlags(UInt8)

        package var description: String {
            switch self {
            case .short: "a message ends beyond its packet"
            case .unknownKind(let kind): "a message is of unknown kind \(kind)"
            case .unknownFlags(let flags): "a message has unknown flags \(flags)"
            }
        }
    }

    static let headerByteCount = 8
    static let noNumber: UInt16 = .max
    static let longestName = 4096

    package var kind: Kind
    package var flags: Flags
    package var name: Range<Int>?
    package var number: UInt16
    package var request: UInt64 = 0
    package var route: Route?
    /// Where the payload is; empty when it is in a file.
    package var payload: Range<Int>
    /// Of the payload, wherever it is.
    package var byteCount: Int

    /// - Parameter offset: where the record begins; where the next one does, afterwards.
    package init(in bytes: ByteStorage, at offset: inout Int, end: Int) throws(Malformed) {
        let end = min(end, bytes.count)
        guard offset >= 0, offset <= end, end - offset >= Self.headerByteCount else { throw .short }
        let header = bytes.number(offset, as: UInt64.self)
        guard let kind = Kind(rawValue: UInt8(truncatingIfNeeded: header)) else {
            throw .unknownKind(UInt8(truncatingIfNeeded: header))
        }
        let flags = Flags(rawValue: UInt8(truncatingIfNeeded: header >> 8))
        guard flags.isSubset(of: .known) else { throw .unknownFlags(flags.rawValue) }
        self.kind = kind
        self.flags = flags
        number = UInt16(truncatingIfNeeded: header >> 16)
        byteCount = Int(header >> 32)
        var next = offset + Self.headerByteCount
        if flags.contains(.named) {
            guard end - next >= 2 else { throw .short }
            let count = Int(bytes.number(next, as: UInt16.self))
            next += 2
            guard end - next >= count else { throw .short }
            name = next..<next + count
            next += count
        }
        if kind == .request || kind == .reply || kind == .failure {
            guard end - next >= 8 else { throw .short }
            request = bytes.number(next, as: UInt64.self)
            next += 8
        }
        if flags.contains(.routed) {
            guard end - next >= 8 else { throw .short }
            let word = bytes.number(next, as: UInt64.self)
            route = Route(slot: Int32(truncatingIfNeeded: word), generation: UInt32(truncatingIfNeeded: word >> 32))
            next += 8
        }
        let inlineCount = flags.contains(.inFile) ? 0 : byteCount
        guard end - next >= inlineCount else { throw .short }
        payload = next..<next + inlineCount
        offset = payload.upperBound
    }

    // MARK: Writing

    /// What comes before the payload.
    struct Header {
        var kind: Kind
        var flags: Flags = []
        var number: UInt16
        /// Written when the receiver doesn't know the number yet.
        var name: String?
        var request: UInt64 = 0
        var route: Route?

        /// At least what `append` writes.
        var byteCount: Int { MessageRecord.headerByteCount + 16 + (name.map { $0.utf8.count + 2 } ?? 0) }

        func append(to bytes: GrowingBytes, payloadByteCount: Int) {
            var flags = flags
            if name != nil { flags.insert(.named) }
            if route != nil { flags.insert(.routed) }
            let head =
                UInt64(kind.rawValue) | UInt64(flags.rawValue) << 8 | UInt64(number) << 16
                | UInt64(UInt32(truncatingIfNeeded: payloadByteCount)) << 32
            bytes.append(number: head)
            if let name {
                bytes.append(number: UInt16(truncatingIfNeeded: name.utf8.count))
                bytes.append(text: name)
            }
            if kind == .request || kind == .reply || kind == .failure { bytes.append(number: request) }
            if let route {
                bytes.append(number: route.slot)
                bytes.append(number: route.generation)
            }
        }
    }
}
