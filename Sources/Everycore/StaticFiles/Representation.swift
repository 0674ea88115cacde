// One version of one file as it is sent: its validators, and the fields that its answers begin with, made once for many.
//
// Made in the workers when a file is looked at; used again for as long as the file stays as it is.

internal import EverycoreHTTP

final class Representation {
    let path: FilePath
    let facts: FileFacts
    let validators: Validators
    let coding: ContentCoding?
    /// The coding of the bytes, as `Content-Encoding` has it. A file may be coded by its type, without another form beside it.
    let codingName: String?
    let contentType: String
    /// Of a 200.
    let whole: PreparedFields
    /// Of a 304: what a cache has to know, and nothing that it has already (RFC 9110 §15.4.5).
    let notModified: PreparedFields
    /// Of a 206, next to its Content-Type and Content-Range.
    let partial: [(name: String, value: String)]
    /// The whole answer, where the bytes are kept in memory.
    private(set) var inMemory: WholeResponse?
    /// The file, where it is kept open.
    var file: OpenFile?

    /// - Parameters:
    ///   - isNegotiated: other representations of the same resource exist.
    ///   - now: seconds since 1970.
    init(
        path: FilePath, facts: FileFacts, coding: ContentCoding? = nil, contentType: String, cacheControl: String?,
        isNegotiated: Bool = false, now: Int64
    ) throws {
        self.path = path
        self.facts = facts
        self.coding = coding
        codingName = coding?.name.description ?? MediaType.coding(of: path.bytes)
        self.contentType = contentType
        validators = facts.validators(now: now)
        let lasting = Self.lastingFields(validators, cacheControl: cacheControl, isNegotiated: isNegotiated)
        let fields = lasting + Self.furtherFields(validators, coding: codingName)
        notModified = try PreparedFields(lasting)
        partial = fields
        whole = try PreparedFields([(name: "Content-Type", value: contentType)] + fields)
    }

    /// The bytes, where they are kept in memory.
    var content: [UInt8]? {
        get { inMemory?.content }
        set { inMemory = newValue.map { WholeResponse(fields: whole, content: $0) } }
    }

    /// What a 304 has as well.
    static func lastingFields(
        _ validators: Validators, cacheControl: String?, isNegotiated: Bool
    ) -> [(name: String, value: String)] {
        var fields = [(name: "ETag", value: validators.tag.description)]
        if let cacheControl { fields.append(("Cache-Control", cacheControl)) }
        if isNegotiated { fields.append(("Vary", "Accept-Encoding")) }
        return fields
    }

    static func furtherFields(_ validators: Validators, coding: String?) -> [(name: String, value: String)] {
        var fields = [(name: "Accept-Ranges", value: "bytes")]
        if let date = validators.lastModified { fields.insert(("Last-Modified", DateLine.fixdate(unixSeconds: date)), at: 0) }
        if let coding { fields.append(("Content-Encoding", coding)) }
        return fields
    }

    /// A weak one will be a strong one soon, so it isn't kept; nor is the content of one that may change unseen.
    var isLasting: Bool { !validators.tag.isWeak }
}
