// How the parser fills a RequestHead: field lines as they are read, the facts when the head is
// whole. Before that, what was stored has no meaning. Touches raw memory.

extension RequestHead {
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
}
