// A YAML document as libyaml composes it: values by number, with their lines. An alias is another number for the same value, so a document
// is as large as its text, however much its aliases would grow.
// Process: master · Thread: loop, before the fork and again at a reload.

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
        var documents: [YAMLNode] = []
        var parser = unsafe yaml_parser_t()
        guard unsafe yaml_parser_initialize(&parser) != 0 else { throw YAMLFailure(line: nil, reason: "there is no memory for it") }
        defer { unsafe yaml_parser_delete(&parser) }
        unsafe yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING)
        let failure: YAMLFailure? = unsafe text.withUnsafeBufferPointer { bytes in
            unsafe yaml_parser_set_input_string(&parser, bytes.baseAddress, bytes.count)
            while true {
                var document = unsafe yaml_document_t()
                guard unsafe yaml_parser_load(&parser, &document) != 0 else { return unsafe YAMLFailure(parser) }
                defer { unsafe yaml_document_delete(&document) }
                let values = unsafe (0..<(document.nodes.top - document.nodes.start)).map { unsafe Value(document.nodes.start[$0]) }
                if values.isEmpty { return nil }
                documents.append(YAMLNode(document: YAMLDocument(values), number: 0))
            }
        }
        if let failure { throw failure }
        return documents
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

extension YAMLDocument.Value {
    /// libyaml numbers the values of a document from 1.
    fileprivate init(_ node: yaml_node_t) {
        unsafe line = Int(clamping: node.start_mark.line) + 1
        switch unsafe node.type {
        case YAML_SEQUENCE_NODE:
            let items = unsafe node.data.sequence.items
            content = unsafe .sequence(UnsafeBufferPointer(start: items.start, count: items.top - items.start).map { Int($0) - 1 })
        case YAML_MAPPING_NODE:
            let pairs = unsafe node.data.mapping.pairs
            content = unsafe .mapping(
                UnsafeBufferPointer(start: pairs.start, count: pairs.top - pairs.start).map { (key: Int($0.key) - 1, value: Int($0.value) - 1) })
        default:
            let scalar = unsafe node.data.scalar
            let bytes = unsafe UnsafeBufferPointer(start: scalar.value, count: scalar.length)
            content = unsafe .scalar(String(decoding: bytes, as: UTF8.self), isPlain: scalar.style == YAML_PLAIN_SCALAR_STYLE)
        }
    }
}

extension YAMLFailure {
    /// The reader finds bytes that are no text before lines are counted.
    fileprivate init(_ parser: yaml_parser_t) {
        unsafe reason = parser.problem.map { unsafe String(cString: $0) } ?? "there is no memory for it"
        unsafe line = parser.error == YAML_READER_ERROR || parser.problem == nil ? nil : Int(clamping: parser.problem_mark.line) + 1
    }
}
#endif
