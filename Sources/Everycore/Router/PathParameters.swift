// The values of a path's parameters: ranges of its bytes, made into text when somebody reads one.
//
// Made in the workers, once per request to a route with parameters; others share an empty one that costs nothing.

/// The parameters of the path, by the names that the route's pattern gives them.
public struct PathParameters {
    private let names: [String]
    private let values: [Range<Int>]
    private let text: (Range<Int>) -> String

    package init(names: [String], values: [Range<Int>], text: @escaping (Range<Int>) -> String) {
        self.names = names
        self.values = values
        self.text = text
    }

    public var isEmpty: Bool { names.isEmpty }

    /// The percent-decoded value; nil when the pattern has no parameter of this name.
    public subscript(name: String) -> String? {
        guard let position = names.firstIndex(of: name), position < values.count else { return nil }
        return text(values[position])
    }

    /// The value as a number or whatever else is made from text.
    /// - Throws: `HTTPError` 400 when the text isn't one.
    public func require<Value: LosslessStringConvertible>(_ name: String, as type: Value.Type = Value.self) throws(HTTPError)
        -> Value
    {
        guard let text = self[name], let value = Value(text) else {
            throw HTTPError(400, "the path's \(name) isn't a valid \(type)")
        }
        return value
    }
}
