// What is in a line, in each format. All text of the client is bounded and escaped; the sum of the bounds is less than a line may have.
// Process: worker · Thread: loop

/// Bytes that each part takes at most.
private enum Bound {
    static let method = 32
    static let target = LogEntry.longestUnread
    static let host = 255
    static let referer = 500
    static let userAgent = 400
    static let forwarded = 200
    static let requestID = 128
}

/// The fields of a request that lines show; empty for one that isn't there.
private struct LoggedFields {
    var userAgent = ByteRange.empty
    var referer = ByteRange.empty
    var forwardedFor = ByteRange.empty
    var forwarded = ByteRange.empty
    var requestID = ByteRange.empty

    /// The first of each name.
    @inline(__always)
    init(of head: RequestHead) {
        var index = 0
        while index < head.fieldCount {
            let field = head.storedField(index)
            switch field.name.count {
            case 7: if referer.isEmpty, head.isField(field, "referer") { referer = field.value }
            case 9: if forwarded.isEmpty, head.isField(field, "forwarded") { forwarded = field.value }
            case 10: if userAgent.isEmpty, head.isField(field, "user-agent") { userAgent = field.value }
            case 12: if requestID.isEmpty, head.isField(field, "x-request-id") { requestID = field.value }
            case 15: if forwardedFor.isEmpty, head.isField(field, "x-forwarded-for") { forwardedFor = field.value }
            default: break
            }
            index &+= 1
        }
    }
}

extension RequestHead {
    @inline(__always)
    fileprivate func isField(_ field: FieldRange, _ name: StaticString) -> Bool {
        withBytes(field.name) { unsafe $0.equalsIgnoringCase(name.rawBytes.bytes) }
    }

    /// The bytes of a range; empty where none are attached.
    @inline(__always)
    fileprivate func raw(_ range: ByteRange) -> UnsafeRawBufferPointer {
        guard let base = unsafe base, range.start < range.end, unsafe Int(range.end) <= attachedCount else {
            return unsafe UnsafeRawBufferPointer(start: nil, count: 0)
        }
        return unsafe UnsafeRawBufferPointer(start: base + Int(range.start), count: range.count)
    }
}

extension LogEntry {
    /// The first line of what could not be read.
    fileprivate var unreadLine: [UInt8] { Array(unread.prefix { $0 != 0x0A && $0 != 0x0D }) }
}

extension AccessLog {
    // MARK: common, combined

    func makeText(_ entry: LogEntry, _ peer: PeerName?, isCombined: Bool) {
        if let peer { unsafe text.append(peer.text) } else { unsafe text.append("-") }
        unsafe text.append(" - - [")
        unsafe text.append(clock.common)
        unsafe text.append("] \"")
        if let head = entry.head {
            unsafe text.append(head.raw(head.methodRange), limit: Bound.method, as: .text)
            unsafe text.append(" ")
            unsafe text.append(head.raw(head.targetRange), limit: Bound.target, as: .text)
            unsafe text.append(head.minorVersion == 0 ? " HTTP/1.0\" " : " HTTP/1.1\" ")
        } else {
            let line = entry.unreadLine
            if line.isEmpty { unsafe text.append("-") }
            unsafe line.withUnsafeBytes { unsafe text.append($0, limit: Bound.target, as: .text) }
            unsafe text.append("\" ")
        }
        unsafe text.append(decimal: UInt64(clamping: entry.status))
        unsafe text.append(" ")
        unsafe text.append(decimal: entry.sent)
        guard isCombined else { return }
        guard let head = entry.head else { return unsafe text.append(" \"-\" \"-\"") }
        let fields = LoggedFields(of: head)
        appendQuoted(head, fields.referer, limit: Bound.referer)
        appendQuoted(head, fields.userAgent, limit: Bound.userAgent)
    }

    private func appendQuoted(_ head: RequestHead, _ range: ByteRange, limit: Int) {
        let value = unsafe head.raw(range)
        guard unsafe !value.isEmpty else { return unsafe text.append(" \"-\"") }
        unsafe text.append(" \"")
        unsafe text.append(value, limit: limit, as: .text)
        unsafe text.append("\"")
    }

    // MARK: json

    func makeObject(_ entry: LogEntry, _ peer: PeerName?, _ duration: UInt64) {
        unsafe text.append("{\"time\":\"")
        unsafe text.append(clock.iso.time)
        unsafe text.append(".")
        unsafe text.append(decimal: clock.microseconds, digits: 6)
        unsafe text.append(clock.iso.zone)
        unsafe text.append("\",\"peer\":\"")
        if let peer { unsafe text.append(peer.text) } else { unsafe text.append("-") }
        if let port = peer?.port, port != 0 {
            unsafe text.append("\",\"peer_port\":")
            unsafe text.append(decimal: UInt64(port))
        } else {
            unsafe text.append("\"")
        }
        if let head = entry.head { append(head) } else { appendUnread(entry) }
        unsafe text.append(",\"status\":")
        unsafe text.append(decimal: UInt64(clamping: entry.status))
        unsafe text.append(",\"bytes\":")
        unsafe text.append(decimal: entry.sent)
        unsafe text.append(",\"duration\":")
        unsafe text.append(seconds: duration)
        if entry.isAborted { unsafe text.append(",\"aborted\":true") }
        unsafe text.append(origin)
        unsafe text.append("}")
    }

    private func append(_ head: RequestHead) {
        unsafe append(",\"method\":\"", head.raw(head.methodRange), limit: Bound.method)
        unsafe append(",\"target\":\"", head.raw(head.targetRange), limit: Bound.target)
        unsafe text.append(head.minorVersion == 0 ? ",\"protocol\":\"HTTP/1.0\"" : ",\"protocol\":\"HTTP/1.1\"")
        if let host = head.authorityRange { unsafe append(",\"host\":\"", head.raw(host), limit: Bound.host) }
        let fields = LoggedFields(of: head)
        unsafe append(",\"user_agent\":\"", head.raw(fields.userAgent), limit: Bound.userAgent)
        unsafe append(",\"referer\":\"", head.raw(fields.referer), limit: Bound.referer)
        unsafe append(",\"forwarded_for\":\"", head.raw(fields.forwardedFor), limit: Bound.forwarded)
        unsafe append(",\"forwarded\":\"", head.raw(fields.forwarded), limit: Bound.forwarded)
        let id = unsafe head.raw(fields.requestID)
        if unsafe Self.isSane(id) { unsafe append(",\"request_id\":\"", id, limit: Bound.requestID) }
    }

    /// A member, where there is a value.
    private func append(_ name: StaticString, _ value: UnsafeRawBufferPointer, limit: Int) {
        guard unsafe !value.isEmpty else { return }
        unsafe text.append(name)
        unsafe text.append(value, limit: limit, as: .json)
        unsafe text.append("\"")
    }

    private func appendUnread(_ entry: LogEntry) { unsafe entry.unreadLine.withUnsafeBytes { unsafe append(",\"request\":\"", $0, limit: Bound.target) } }

    /// What may be looked for elsewhere: printable ASCII without spaces, and short.
    private static func isSane(_ id: UnsafeRawBufferPointer) -> Bool {
        unsafe id.count <= Bound.requestID && id.allSatisfy { (0x21..<0x7F).contains($0) && $0 != 0x22 && $0 != 0x5C }
    }
}
