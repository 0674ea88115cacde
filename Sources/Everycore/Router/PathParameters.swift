// The values of a path's parameters: ranges of its bytes, made into text when one is read.
//
// Made in the workers, when a handler asks for them.

/// The parameters of the path, by the names that the route's pattern gives them.
public struct PathParameters {
    private let request: Request
    private let names: [String]
    private let values: [Range<Int>]

    init(request: Request, names: [String], values: [Range<Int>]) {
        self.request = request
        self.names = names
        self.values = values
    }

    public var isEmpty: Bool { names.isEmpty }

    /// The percent-decoded value; nil when the pattern has no parameter of this name.
    public subscript(name: String) -> String? {
        guard let position = names.firstIndex(of: name), position < values.count else { return nil }
        let range = values[position]
        return request.withPathBytes { path in
            range.upperBound <= path.byteCount ? PercentDecoding.string(path.extracting(range)) : nil
        }
    }

    /// The value as a number, or whatever else is made from text.
    /// - Throws: `HTTPError` 400 when the text isn't one.
    public func require<Value: LosslessStringConvertible>(
        _ name: String, as type: Value.Type = Value.self
    ) throws(HTTPError) -> Value {
        guard let text = self[name], let value = Value(text) else {
            throw HTTPError(400, "the path's \(name) isn't what is expected here")
        }
        return value
    }
}
