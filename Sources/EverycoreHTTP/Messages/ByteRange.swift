// Where parts of a head are, as offsets from the head's first byte. Ranges instead of copies
// keep the parser free of allocation; they stay right when the head's bytes move. Workers.

@usableFromInline package struct ByteRange: Sendable, Equatable {
    @usableFromInline package var start: UInt32
    @usableFromInline package var end: UInt32

    @inlinable package init(_ start: UInt32, _ end: UInt32) {
        self.start = start
        self.end = end
    }

    @inlinable package init(_ start: Int, _ end: Int) {
        self.start = UInt32(truncatingIfNeeded: start)
        self.end = UInt32(truncatingIfNeeded: end)
    }

    @inlinable package static var empty: ByteRange { ByteRange(0 as UInt32, 0) }
    @inlinable package var isEmpty: Bool { start >= end }
    @inlinable package var count: Int { end > start ? Int(end &- start) : 0 }
}

/// One field line: its name, and its value without the whitespace around it.
@usableFromInline package struct FieldRange: Sendable, Equatable {
    @usableFromInline package var name: ByteRange
    @usableFromInline package var value: ByteRange
    /// The field's meaning for the protocol, where it has one.
    @usableFromInline package var known: KnownField
    /// Named by `Connection`: meant for this connection alone (RFC 9110 §7.6.1).
    @usableFromInline package var isHopByHop: Bool

    @inlinable package init(name: ByteRange, value: ByteRange, known: KnownField = .none, isHopByHop: Bool = false) {
        self.name = name
        self.value = value
        self.known = known
        self.isHopByHop = isHopByHop
    }
}

/// The fields that decide how a message is framed, routed or answered.
@usableFromInline package enum KnownField: UInt8, Sendable {
    case none, host, contentLength, transferEncoding, connection, expect, upgrade
}
