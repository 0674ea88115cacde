// stub
package struct RequestParser: Sendable {
    package enum Progress: Sendable, Equatable {
        /// The head isn't whole; come back with the same bytes and more.
        case needMore
        /// The head is whole, sound, and in the `RequestHead`; the body begins at `headLength`.
        case complete(headLength: Int)
        /// Answer and close.
        case refused(Refusal)
    }

    package let limits: HTTPLimits

    package init(limits: HTTPLimits) { self.limits = limits }

    /// Reads a head. `input` holds all bytes kept of it, its first byte first, and whatever came
    /// after; call again with the same bytes and more after `.needMore`. Work over all calls is
    /// linear in the head's length, and the answer is the same however the bytes are split.
    /// After `.complete` the parser is ready for the next head.
    package mutating func parse(_ input: RawSpan, into head: RequestHead) -> Progress { .needMore }

    /// Forgets a head that was read in part.
    package mutating func reset() {}
}
