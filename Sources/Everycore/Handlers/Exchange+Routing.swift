// HTTP's exchange as what routes answer.
//
// Runs in the workers, on the loop's thread.

package import EverycoreHTTP

extension Exchange: RequestExchange {
    @inline(__always)
    package func send(
        status: Int, contentType: StaticString?, fields: [(name: String, value: String)], body: RawSpan
    ) throws {
        try respond(status: status, contentType: contentType, fields: fields, body: body)
    }

    @inline(__always)
    package func send(status: Int, prepared: PreparedFields, body: RawSpan) throws {
        try respond(status: status, prepared: prepared, body: body)
    }

    package func sendFile(status: Int, prepared: PreparedFields, file: OpenFile, part: Range<Int64>) throws {
        try respondFile(
            status: status, prepared: prepared, descriptor: file.descriptor, of: file, offset: part.lowerBound,
            length: Int64(part.count))
    }

    package func begin(
        status: Int, contentType: StaticString?, fields: [(name: String, value: String)], length: UInt64?
    ) throws {
        try beginResponse(status: status, contentType: contentType, fields: fields, length: length)
    }
}
