// What of a response decides whether it may be coded, and what changes in its fields when it is (RFC 9110 §8.4, §8.8.3.3, §12.5.5).
//
// Runs in the workers, between a handler and the wire.

extension Response {
    /// Its media type, as it will be sent.
    var mediaType: String? { headers["Content-Type"] ?? contentType?.description }

    /// Whether the fields leave the content to be coded: it isn't coded, nor a part, nor digested (RFC 9530 counts the coding in).
    var mayBeCoded: Bool {
        if headers.isEmpty { return true }
        for (name, value) in headers.fields {
            switch name.utf8.count {
            case 16 where equalIgnoringCase(name, "Content-Encoding"): return false
            case 13 where equalIgnoringCase(name, "Content-Range"): return false
            case 14 where equalIgnoringCase(name, "Content-Digest"): return false
            case 11 where equalIgnoringCase(name, "Content-MD5") || equalIgnoringCase(name, "Repr-Digest"): return false
            case 6 where equalIgnoringCase(name, "Digest"): return false
            case 13 where equalIgnoringCase(name, "Cache-Control"):
                if lists(value, "no-transform") { return false }
            default: break
            }
        }
        return true
    }

    /// Adds a field name to `Vary`, unless it is there.
    mutating func varyByEncoding() {
        for (name, value) in headers.fields where equalIgnoringCase(name, "Vary") {
            if lists(value, "*") || lists(value, "Accept-Encoding") { return }
        }
        headers.add("Vary", "Accept-Encoding")
    }

    /// The coded bytes aren't those that a strong tag stands for.
    mutating func weakenTag() {
        if let tag = headers["ETag"], !tag.hasPrefix("W/") { headers["ETag"] = "W/" + tag }
    }

    /// The fields of a response whose content is coded. Ranges were offered of the content as it was.
    mutating func markCoded(_ coding: ContentCoding) {
        headers.add("Content-Encoding", coding.name.description)
        headers["Accept-Ranges"] = nil
        weakenTag()
    }
}

/// Whether a list has an element, in any case.
private func lists(_ value: String, _ element: String) -> Bool {
    value.split(separator: ",").contains { part in
        var part = part
        while let first = part.first, first == " " || first == "\t" { part.removeFirst() }
        while let last = part.last, last == " " || last == "\t" { part.removeLast() }
        return equalIgnoringCase(String(part), element)
    }
}
