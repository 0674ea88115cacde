// What a client reads off the wire, parsed as strictly as the rules for servers allow: anything unclear is an issue.

/// One response.
struct WireResponse: Equatable, CustomStringConvertible {
    var status = 0
    var fields: [(name: String, value: String)] = []
    var body: [UInt8] = []

    subscript(name: String) -> String? { fields.first { $0.name == name }?.value }
    var text: String { String(decoding: body, as: UTF8.self) }
    var description: String { "\(status) \(fields.map { "\($0.name): \($0.value)" }) \(body.count < 200 ? text : "\(body.count) bytes")" }

    /// Equal but for the date.
    static func == (left: WireResponse, right: WireResponse) -> Bool {
        left.status == right.status && left.body == right.body
            && left.fields.map { $0.name == "date" ? "" : "\($0.name):\($0.value)" }
                == right.fields.map { $0.name == "date" ? "" : "\($0.name):\($0.value)" }
    }

    struct Malformed: Error, CustomStringConvertible {
        let description: String
    }

    /// All responses in `bytes` (or the first ones), to requests of which those in `heads` (by number) were HEAD.
    static func parse(_ bytes: [UInt8], heads: Set<Int> = [], atMost limit: Int = .max) throws -> [WireResponse] {
        var responses: [WireResponse] = []
        var finals = 0
        var rest = bytes[...]
        while !rest.isEmpty, responses.count < limit {
            let (response, length) = try parseOne(rest, isHead: heads.contains(finals))
            responses.append(response)
            if response.status >= 200 { finals += 1 }
            rest = rest.dropFirst(length)
        }
        return responses
    }

    private static func parseOne(_ bytes: ArraySlice<UInt8>, isHead: Bool) throws -> (WireResponse, Int) {
        guard let end = headEnd(bytes) else { throw Malformed(description: "no end of head: \(String(decoding: bytes.prefix(300), as: UTF8.self))") }
        var response = WireResponse()
        let lines = String(decoding: bytes[bytes.startIndex..<end], as: UTF8.self).split(separator: "\r\n", omittingEmptySubsequences: false)
        let first = lines[0].split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
        guard first.count == 3, first[0] == "HTTP/1.1", let status = Int(first[1]) else { throw Malformed(description: "status line \(lines[0])") }
        response.status = status
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { throw Malformed(description: "field line \(line)") }
            response.fields.append((line[..<colon].lowercased(), String(line[line.index(after: colon)...].drop { $0 == " " })))
        }
        let head = end + 4 - bytes.startIndex
        let names = response.fields.map(\.name)
        guard Set(names).count == names.count else { throw Malformed(description: "a field twice: \(names)") }
        if status < 200 || status == 204 {
            guard response["content-length"] == nil, response["transfer-encoding"] == nil else { throw Malformed(description: "\(response)") }
            return (response, head)
        }
        if isHead || status == 304 { return (response, head) }
        guard let length = response["content-length"].flatMap({ Int($0) }), head + length <= bytes.count else {
            throw Malformed(description: "no length, or not as long as it says: \(response)")
        }
        response.body = Array(bytes.dropFirst(head).prefix(length))
        return (response, head + length)
    }

    private static func headEnd(_ bytes: ArraySlice<UInt8>) -> Int? {
        var index = bytes.startIndex
        while index + 3 < bytes.endIndex {
            if bytes[index] == 13, bytes[index + 1] == 10, bytes[index + 2] == 13, bytes[index + 3] == 10 { return index }
            index += 1
        }
        return nil
    }
}
