// Fields of a response that is sent again and again: checked and laid out once, then copied as they are.
// Made and used in workers; immutable.

package struct PreparedFields: Sendable {
    let bytes: [UInt8]
    let own: ResponseFields

    /// - Throws: as `ResponseEncoder.appendHead` does for these fields.
    package init(_ fields: [(name: String, value: String)]) throws(ResponseEncoder.Failure) {
        own = try ResponseFields(checking: fields)
        var output = OutputBuffer()
        ResponseFields.append(fields, to: &output)
        bytes = unsafe output.withUnsafeBytes { unsafe Array($0) }
    }
}
