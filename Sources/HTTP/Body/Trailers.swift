// stub
package struct Trailers: Sendable {
    package var isEmpty: Bool { true }
    package var count: Int { 0 }
    /// The value of the first trailer field of that name (any case).
    package func value(of name: String) -> String? { nil }
    /// Name and value of each field in order.
    package var fields: [(name: String, value: String)] { [] }
}
