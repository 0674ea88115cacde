// Fields of a response that is sent again and again: checked and laid out once, then copied as they are. A protocol that lays them
// out in another way than HTTP/1 takes their names and values.
// Made and used in workers; immutable.

package struct PreparedFields: Sendable {
    package let fields: [(name: String, value: String)]
    let own: ResponseFields
    /// As HTTP/1 sends them.
    let bytes: [UInt8]

    /// - Throws: as `ResponseEncoder.appendHead` does for these fields.
    package init(_ fields: [(name: String, value: String)]) throws(ResponseEncoder.Failure) {
        own = try ResponseFields(checking: fields)
        self.fields = fields
        var output = OutputBuffer()
        ResponseFields.append(fields, to: &output)
        bytes = unsafe output.withUnsafeBytes { unsafe Array($0) }
    }
}
