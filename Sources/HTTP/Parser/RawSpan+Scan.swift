// stub
extension StaticString {
    /// Its UTF-8 bytes, which live as long as the program.
    var rawBytes: UnsafeRawBufferPointer {
        guard hasPointerRepresentation else { return unsafe UnsafeRawBufferPointer(start: nil, count: 0) }
        return unsafe UnsafeRawBufferPointer(start: utf8Start, count: utf8CodeUnitCount)
    }
}
extension RawSpan {
    func equalsIgnoringCase(_ other: RawSpan) -> Bool { false }
}
