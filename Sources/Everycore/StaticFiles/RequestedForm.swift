// In which form a request wants a file: found in one pass over its fields, since most requests have few of them or none.
//
// Runs in the workers, for each request for a file. Allocates nothing.

internal import EverycoreHTTP

struct RequestedForm {
    /// It has at least one field that makes the answer other than the whole file.
    private(set) var isConditional = false
    private(set) var accepted = AcceptedCodings()

    init(_ head: RequestHead) {
        var index = 0
        while let field = head.field(at: index) {
            index &+= 1
            if field.isHopByHop { continue }
            switch field.name.count {
            case 5: note(head, field, "Range")
            case 8: note(head, field, "If-Match"); note(head, field, "If-Range")
            case 13: note(head, field, "If-None-Match")
            case 17: note(head, field, "If-Modified-Since")
            case 19: note(head, field, "If-Unmodified-Since")
            case 15 where Self.isNamed(head, field, "Accept-Encoding"):
                head.withBytes(field.value) { accepted.add($0) }
            default: break
            }
        }
    }

    private mutating func note(_ head: RequestHead, _ field: FieldRange, _ name: StaticString) {
        if !isConditional, Self.isNamed(head, field, name) { isConditional = true }
    }

    static func isNamed(_ head: RequestHead, _ field: FieldRange, _ name: StaticString) -> Bool {
        head.withBytes(field.name) { bytes in
            unsafe bytes.equalsIgnoringCase(UnsafeRawBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount).bytes)
        }
    }
}
