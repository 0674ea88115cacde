// The elements of a comma-separated list (RFC 9110 §5.6.1): trimmed, empty ones left out. For
// lists of tokens; a comma in a quoted string separates too. Runs in workers.

struct ListElements {
    private var position: Int
    private let end: Int

    init(_ range: ByteRange) {
        position = Int(range.start)
        end = Int(range.end)
    }

    mutating func next(in input: RawSpan) -> ByteRange? {
        while position < end {
            var first = position
            var comma = first
            while comma < end, input.byte(comma) != 0x2C { comma &+= 1 }
            position = comma &+ 1
            var last = comma
            while first < last, FieldLine.isBlank(input.byte(first)) { first &+= 1 }
            while last > first, FieldLine.isBlank(input.byte(last &- 1)) { last &-= 1 }
            if first < last { return ByteRange(first, last) }
        }
        return nil
    }
}
