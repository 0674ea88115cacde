// A request head: facts, and ranges of one run of bytes, in whatever order the protocol has them there. A worker owns one and reuses
// it for every request; it points into the worker's input buffer while a handler runs, and copies its bytes when it is kept longer
// (`detach`). Touches raw memory; no accessor traps.

@safe
@usableFromInline package final class RequestHead {
    // Only the worker's one thread comes here, so exclusivity needs no check at run time.
    @exclusivity(unchecked) @usableFromInline var storedFacts = HeadFacts()
    @exclusivity(unchecked) @usableFromInline var storedFieldCount = 0
    @exclusivity(unchecked) var fieldStorage: UnsafeMutablePointer<FieldRange>
    @exclusivity(unchecked) package internal(set) var fieldCapacity: Int
    @exclusivity(unchecked) @usableFromInline var base: UnsafeRawPointer?
    @exclusivity(unchecked) @usableFromInline var attachedCount = 0
    @exclusivity(unchecked) private var copy: UnsafeMutableRawPointer?

    package init() {
        unsafe fieldCapacity = 16
        unsafe fieldStorage = .allocate(capacity: 16)
    }

    deinit {
        unsafe fieldStorage.deallocate()
        unsafe copy?.deallocate()
    }

    @inlinable package internal(set) var facts: HeadFacts {
        get { unsafe storedFacts }
        set { unsafe storedFacts = newValue }
    }

    /// How many header fields there are.
    @inlinable package internal(set) var fieldCount: Int {
        get { unsafe storedFieldCount }
        set { unsafe storedFieldCount = newValue }
    }

    // MARK: Facts

    @inlinable package var method: Method { facts.method }
    /// 0 or 1.
    @inlinable package var minorVersion: Int { Int(facts.minorVersion) }
    @inlinable package var targetForm: TargetForm { facts.targetForm }
    @inlinable package var framing: MessageFraming { facts.framing }
    /// Whether content follows, be it empty when it is chunked.
    @inlinable package var hasBody: Bool { facts.framing != .none && facts.framing != .length(0) }
    /// Whether the request lets the connection persist (RFC 9112 §9.3).
    @inlinable package var keepAlive: Bool { facts.keepAlive }
    /// The client waits for a 100 before it sends its content. Never true for HTTP/1.0, nor without content.
    @inlinable package var expectContinue: Bool { facts.expectContinue }
    /// HTTP/1.1, an `Upgrade` field, and `Connection` lists it.
    @inlinable package var hasUpgrade: Bool { facts.hasUpgrade }
    /// The head is sound and its message can be read to its end, but the server won't serve it:
    /// 417 for an unknown expectation.
    package var refusal: Refusal? {
        // A client that waits for a 100 may or may not send its content after another status.
        facts.hasUnmetExpectation ? Refusal(417, "the only expectation met here is 100-continue", closes: facts.expectContinue) : nil
    }
    /// Bytes of the run that the ranges are in; with HTTP/1 from the head's first byte to the end of its blank line.
    @inlinable package var headLength: Int { facts.headLength }

    // MARK: Ranges

    @inlinable package var methodRange: ByteRange { facts.methodRange }
    /// The whole target as sent.
    @inlinable package var targetRange: ByteRange { facts.target }
    /// The path as sent, percent-encoded; `/` where an absolute form has none, `*` in asterisk form.
    @inlinable package var pathRange: ByteRange { facts.path }
    /// Without its `?`.
    @inlinable package var queryRange: ByteRange? { facts.hasQuery ? facts.query : nil }
    /// The authority of an absolute form, else the value of `Host` unless that is empty or missing.
    @inlinable package var authorityRange: ByteRange? { facts.hasAuthority ? facts.authority : nil }

    /// The field line at `index`, or nil beyond `fieldCount`.
    package func field(at index: Int) -> FieldRange? {
        guard index >= 0, index < fieldCount else { return nil }
        return unsafe fieldStorage[index]
    }

    // MARK: Memory

    /// Says where the head's bytes are. They must stay there until `detach`, `reset` or the next `rebase`.
    @inlinable package func rebase(onto bytes: UnsafeRawPointer, count: Int) {
        unsafe base = bytes
        unsafe attachedCount = max(count, 0)
    }

    /// Copies the head's bytes, so that the head stays readable when the input buffer is reused.
    package func detach() {
        guard unsafe copy == nil, let base = unsafe base else { return }
        let count = unsafe min(facts.headLength, attachedCount)
        let bytes = UnsafeMutableRawPointer.allocate(byteCount: max(count, 1), alignment: 1)
        unsafe bytes.copyMemory(from: base, byteCount: count)
        unsafe copy = bytes
        unsafe self.base = UnsafeRawPointer(bytes)
        unsafe attachedCount = count
    }

    /// Whether the head has bytes of its own.
    package var isDetached: Bool { unsafe copy != nil }

    /// Forgets the request, so that accessors answer as for an empty one.
    package func reset() {
        facts = HeadFacts()
        fieldCount = 0
        unsafe base = nil
        unsafe attachedCount = 0
        unsafe copy?.deallocate()
        unsafe copy = nil
    }
}
