// How a protocol fills a RequestHead; HTTP/1's parser does it step by step: field lines as they are read, the facts when the head is
// whole. Before that, what was stored has no meaning. Touches raw memory.

extension RequestHead {
    /// Fills the head at once, from ranges in any order of one run of bytes.
    /// - Parameter length: of the run that `rebase` is given.
    package func fill(_ facts: HeadFacts, fields: [FieldRange], length: Int) {
        var facts = facts
        facts.headLength = length
        for (index, field) in fields.enumerated() { store(field, at: index) }
        fill(facts, fieldCount: fields.count)
    }

    /// Room grows in the first requests only, up to the limit on the field count.
    @inline(__always)
    func store(_ field: FieldRange, at index: Int) {
        if unsafe index >= fieldCapacity { growFields(to: index) }
        unsafe fieldStorage.advanced(by: index).initialize(to: field)
    }

    /// A field stored before, while the head is being read.
    @inline(__always)
    func storedField(_ index: Int) -> FieldRange {
        unsafe assert(index >= 0 && index < fieldCapacity)
        return unsafe fieldStorage[index]
    }

    @inline(never)
    func growFields(to index: Int) {
        let capacity = unsafe max(fieldCapacity &* 2, index &+ 1)
        let larger = UnsafeMutablePointer<FieldRange>.allocate(capacity: capacity)
        unsafe larger.update(from: fieldStorage, count: fieldCapacity)
        unsafe fieldStorage.deallocate()
        unsafe fieldStorage = larger
        unsafe fieldCapacity = capacity
    }

    /// Marks the fields of that name, except those that frame or route the message: naming one of
    /// these in `Connection` (which RFC 9110 §7.6.1 forbids) must not hide it.
    func markHopByHop(_ option: ByteRange, _ input: RawSpan, fieldCount: Int) {
        for index in 0..<fieldCount {
            let field = storedField(index)
            guard field.name.count == option.count else { continue }
            guard field.known == .none || field.known == .upgrade else { continue }
            if input.rangesEqual(field.name, option) { unsafe fieldStorage[index].isHopByHop = true }
        }
    }

    /// The same for `Keep-Alive`, which nearly every `Connection` names.
    @inline(__always)
    func hideKeepAlive(_ input: RawSpan, fieldCount: Int) {
        var index = 0
        while index < fieldCount {
            let name = unsafe fieldStorage[index].name
            if name.count == 10, input.isKeepAlive(name) { unsafe fieldStorage[index].isHopByHop = true }
            index &+= 1
        }
    }

    @inline(__always)
    func fill(_ facts: HeadFacts, fieldCount: Int) {
        if isDetached { reset() }
        unsafe base = nil
        self.facts = facts
        self.fieldCount = fieldCount
    }

    /// The same for a head with method, path and HTTP/1.1, and so far without other fields than `Host` that mean something.
    @inline(__always)
    func fill(
        method: Method, methodEnd: Int, pathEnd: Int, targetEnd: Int, hasQuery: Bool, host: ByteRange, length: Int, fieldCount: Int
    ) {
        if isDetached { reset() }
        unsafe base = nil
        unsafe storedFacts.method = method
        unsafe storedFacts.targetForm = .origin
        unsafe storedFacts.minorVersion = 1
        unsafe storedFacts.keepAlive = true
        unsafe storedFacts.expectContinue = false
        unsafe storedFacts.hasUpgrade = false
        unsafe storedFacts.hasQuery = hasQuery
        unsafe storedFacts.hasAuthority = true
        unsafe storedFacts.framing = .none
        unsafe storedFacts.headLength = length
        unsafe storedFacts.methodRange = ByteRange(0, methodEnd)
        unsafe storedFacts.target = ByteRange(methodEnd &+ 1, targetEnd)
        unsafe storedFacts.path = ByteRange(methodEnd &+ 1, pathEnd)
        unsafe storedFacts.query = ByteRange(hasQuery ? pathEnd &+ 1 : 0, targetEnd)
        unsafe storedFacts.authority = host
        unsafe storedFacts.hasUnmetExpectation = false
        self.fieldCount = fieldCount
    }
}
