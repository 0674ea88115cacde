// A YAML document from libyaml's events: values by number, with their lines. An alias is another place of the same value, so a document is as
// large as its text, however much its aliases would grow. Nesting is bounded: libyaml's scanner takes time with each level above a token.
// Process: master · Thread: main, before the fork and at a reload

#if Command
import CEverycoreYaml

/// Why a text is no YAML; the line where it is known.
package struct YAMLFailure: Error, Equatable {
    package let line: Int?
    package let reason: String
}

package final class YAMLDocument: Sendable {
    fileprivate struct Value: Sendable {
        enum Content: Sendable {
            case scalar(String, isPlain: Bool)
            case sequence([Int])
            case mapping([(key: Int, value: Int)])
        }

        let content: Content
        let line: Int
    }

    fileprivate let values: [Value]

    fileprivate init(_ values: [Value]) { self.values = values }

    /// The documents of a text, without the empty ones.
    package static func all(in text: [UInt8]) throws(YAMLFailure) -> [YAMLNode] {
        var parser = unsafe yaml_parser_t()
        guard unsafe yaml_parser_initialize(&parser) != 0 else { throw YAMLFailure(line: nil, reason: "there is no memory for it") }
        defer { unsafe yaml_parser_delete(&parser) }
        unsafe yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING)
        let result = unsafe text.withUnsafeBufferPointer { bytes -> Result<[YAMLNode], YAMLFailure> in
            unsafe yaml_parser_set_input_string(&parser, bytes.baseAddress, bytes.count)
            var builder = YAMLBuilder()
            do throws(YAMLFailure) {
                while !builder.isComplete {
                    var event = unsafe yaml_event_t()
                    guard unsafe yaml_parser_parse(&parser, &event) != 0 else { throw unsafe YAMLFailure(parser) }
                    defer { unsafe yaml_event_delete(&event) }
                    try unsafe builder.take(event)
                }
                return .success(builder.documents)
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }
}

/// Puts values together from the parser's events.
private struct YAMLBuilder {
    /// A sequence or a mapping that has begun; a mapping's members are keys and values by turns.
    private struct Open {
        let number: Int
        let line: Int
        let isMapping: Bool
        var members: [Int] = []
    }

    private static let depthLimit = 100

    private(set) var documents: [YAMLNode] = []
    private(set) var isComplete = false
    private var values: [YAMLDocument.Value] = []
    private var open: [Open] = []
    private var anchors: [String: Int] = [:]

    mutating func take(_ event: yaml_event_t) throws(YAMLFailure) {
        let line = unsafe Int(clamping: event.start_mark.line) + 1
        switch unsafe event.type {
        case YAML_STREAM_END_EVENT:
            isComplete = true
        case YAML_DOCUMENT_START_EVENT:
            (values, open, anchors) = ([], [], [:])
        case YAML_DOCUMENT_END_EVENT:
            if !values.isEmpty { documents.append(YAMLNode(document: YAMLDocument(values), number: 0)) }
        case YAML_SCALAR_EVENT:
            let scalar = unsafe event.data.scalar
            let text = unsafe String(decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
            let isPlain = unsafe scalar.style == YAML_PLAIN_SCALAR_STYLE
            place(unsafe add(.scalar(text, isPlain: isPlain), line, anchor: scalar.anchor))
        case YAML_SEQUENCE_START_EVENT:
            try begin(unsafe add(.sequence([]), line, anchor: event.data.sequence_start.anchor), line, isMapping: false)
        case YAML_MAPPING_START_EVENT:
            try begin(unsafe add(.mapping([]), line, anchor: event.data.mapping_start.anchor), line, isMapping: true)
        case YAML_SEQUENCE_END_EVENT, YAML_MAPPING_END_EVENT:
            if let ended = open.popLast() { end(ended) }
        case YAML_ALIAS_EVENT:
            let name = unsafe event.data.alias.anchor.map { unsafe String(cString: $0) } ?? ""
            guard let number = anchors[name] else { throw YAMLFailure(line: line, reason: "found undefined alias") }
            place(number)
        default:
            break
        }
    }

    private mutating func add(_ content: YAMLDocument.Value.Content, _ line: Int, anchor: UnsafeMutablePointer<UInt8>?) -> Int {
        values.append(YAMLDocument.Value(content: content, line: line))
        if let anchor = unsafe anchor { anchors[unsafe String(cString: anchor)] = values.count - 1 }
        return values.count - 1
    }

    /// A value stands where the parser is now.
    private mutating func place(_ number: Int) {
        guard !open.isEmpty else { return }
        open[open.count - 1].members.append(number)
    }

    private mutating func begin(_ number: Int, _ line: Int, isMapping: Bool) throws(YAMLFailure) {
        place(number)
        guard open.count < Self.depthLimit else {
            throw YAMLFailure(line: line, reason: "is nested deeper than \(Self.depthLimit) levels")
        }
        open.append(Open(number: number, line: line, isMapping: isMapping))
    }

    private mutating func end(_ ended: Open) {
        let members = ended.members
        let content: YAMLDocument.Value.Content =
            ended.isMapping
            ? .mapping(stride(from: 0, to: members.count - 1, by: 2).map { (key: members[$0], value: members[$0 + 1]) }) : .sequence(members)
        values[ended.number] = YAMLDocument.Value(content: content, line: ended.line)
    }
}

/// A value of a document.
package struct YAMLNode: Sendable {
    fileprivate let document: YAMLDocument
    fileprivate let number: Int

    private var value: YAMLDocument.Value { document.values[number] }

    /// Lines count from 1.
    package var line: Int { value.line }

    /// The text of a scalar, without quotes.
    package var text: String? {
        if case .scalar(let text, _) = value.content { text } else { nil }
    }

    /// Whether it is a scalar without quotes.
    package var isPlain: Bool {
        if case .scalar(_, true) = value.content { true } else { false }
    }

    package var items: [YAMLNode]? {
        guard case .sequence(let items) = value.content else { return nil }
        return items.map { YAMLNode(document: document, number: $0) }
    }

    /// A mapping's entries, in the order of the text; a key may come twice.
    package var entries: [(key: YAMLNode, value: YAMLNode)]? {
        guard case .mapping(let entries) = value.content else { return nil }
        return entries.map { (YAMLNode(document: document, number: $0.key), YAMLNode(document: document, number: $0.value)) }
    }

    package subscript(key: String) -> YAMLNode? { entries?.first { $0.key.text == key }?.value }
}

extension YAMLFailure {
    /// The reader finds bytes that are no text before lines are counted.
    fileprivate init(_ parser: yaml_parser_t) {
        unsafe reason = parser.problem.map { unsafe String(cString: $0) } ?? "there is no memory for it"
        unsafe line = parser.error == YAML_READER_ERROR || parser.problem == nil ? nil : Int(clamping: parser.problem_mark.line) + 1
    }
}
#endif
