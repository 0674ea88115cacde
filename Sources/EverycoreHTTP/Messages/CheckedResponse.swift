// A response as the application gives it: checked, not yet bytes, and never changed. An object, so that one that is sent again and again
// is made once, and passing one on costs a reference.
// Process: worker · Thread: loop

package final class CheckedResponse {
    package enum Content {
        case none
        /// A literal that has an address.
        case constant(StaticString)
        case text(String)
        case bytes([UInt8])
        case file(FileTransfer)
        /// Comes piece by piece through the exchange. Nil where the length isn't known.
        case stream(length: UInt64?)
    }

    package let status: Int
    let contentType: StaticString?
    let fields: [(name: String, value: String)]
    let prepared: PreparedFields?
    let own: ResponseFields
    package let content: Content

    /// - Parameters:
    ///   - contentType: a valid media type, written in the program. One made at run time goes into `fields`, and takes precedence there.
    ///   - fields: as `ResponseEncoder.appendHead` takes them.
    /// - Throws: when the status or a field can't be sent.
    package init(
        status: Int, contentType: StaticString? = nil, fields: [(name: String, value: String)] = [], content: Content = .none
    ) throws(ResponseEncoder.Failure) {
        guard status >= 100, status <= 599 else { throw .statusOutOfRange(status) }
        self.status = status
        self.contentType = contentType
        self.fields = fields
        prepared = nil
        own = fields.isEmpty ? ResponseFields() : try ResponseFields(checking: fields)
        self.content = content
    }

    /// One whose fields, the content's type among them, were prepared. The status is the program's: from 100 to 599.
    package init(status: Int, prepared: PreparedFields, content: Content) {
        self.status = min(max(status, 100), 599)
        contentType = nil
        fields = []
        self.prepared = prepared
        own = prepared.own
        self.content = content
    }

    /// A 200 of constants of the program.
    package init(constant text: StaticString, type: StaticString) {
        status = 200
        contentType = type
        fields = []
        prepared = nil
        own = ResponseFields()
        content = text.hasPointerRepresentation ? .constant(text) : .text(text.description)
    }

    /// The fields that the response brings with it, its content's type first: what any protocol sends, in its own layout. `Date`,
    /// `Server` and what frames the message are the protocol's.
    package var fieldLines: [(name: String, value: String)] {
        let given = fields.isEmpty ? prepared?.fields ?? [] : fields
        guard let contentType, !own.hasContentType else { return given }
        return [("Content-Type", contentType.description)] + given
    }

    /// What the head says of the content's length.
    var length: ResponseEncoder.Content {
        let count: Int
        switch content {
        case .none: return .none
        case .constant(let text): count = text.utf8CodeUnitCount
        case .text(let text): count = text.utf8.count
        case .bytes(let bytes): count = bytes.count
        case .file(let file): return .length(UInt64(max(file.remaining, 0)))
        case .stream(let length): return length.map { .length($0) } ?? .unknownLength
        }
        return count == 0 ? .none : .length(UInt64(count))
    }
}
