// JSON from Encodable values. The only file of the module that imports FoundationEssentials, for its JSONEncoder.

private import FoundationEssentials

extension Response {
    /// A value as JSON, with its dictionary keys sorted: `application/json`.
    /// - Throws: `EncodingError` when the value can't be encoded; a handler that lets it pass answers 500.
    @_disfavoredOverload
    public static func json(_ value: some Encodable) throws -> Response {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return Response(contentType: .json, body: .bytes([UInt8](try encoder.encode(value))))
    }
}

extension Request {
    /// The body, decoded from JSON.
    /// - Throws: `HTTPError` 400 when the body isn't JSON of this shape.
    public func json<Value: Decodable>(_ type: Value.Type = Value.self) throws -> Value {
        do {
            return try JSONDecoder().decode(type, from: Data(body.bytes))
        } catch is DecodingError {
            throw HTTPError(400, "the body isn't the JSON that is expected here")
        }
    }
}
