// stub
package struct ChunkedDecoder: Sendable {
    package enum Event: Sendable, Equatable {
        /// All of the input is consumed; nothing of it needs to be kept.
        case needMore
        /// Content, at these offsets of the input. Consumed up to the range's upper bound.
        case data(Range<Int>)
        /// The body with its trailer section has ended; what follows `consumed` is the next request's.
        case end(consumed: Int)
        /// Answer and close.
        case refused(Refusal)
    }

    /// The trailer fields, complete at `.end`; those that frame or route a message are dropped.
    package private(set) var trailers = Trailers()

    package init(limits: HTTPLimits) {}

    /// Decodes from the input's first byte, which is the first one not consumed before.
    package mutating func next(_ input: RawSpan) -> Event { .needMore }
}
