// Writes JSON (RFC 8259) from the front to the back, in one line: commas, escapes and numbers, nothing else.
// The order of the members is the order of the calls. A key that is written twice stands there twice.
// Used by the renderers, in the master and in the admin worker.
// Process: master, admin · Thread: loop

package struct JSONWriter {
    package private(set) var text = ""
    private var needsComma = false

    package init() {}

    /// The text of one object whose members `body` writes.
    package static func object(_ body: (inout JSONWriter) -> Void) -> String {
        var writer = JSONWriter()
        writer.container("{", "}", body)
        return writer.text
    }

    package mutating func object(_ key: String, _ body: (inout JSONWriter) -> Void) {
        begin(key)
        container("{", "}", body)
    }

    /// An array of objects, one for each element.
    package mutating func array<Element>(
        _ key: String, of elements: [Element], _ body: (inout JSONWriter, Element) -> Void
    ) {
        begin(key)
        container("[", "]") { array in
            for element in elements {
                array.separate()
                array.container("{", "}") { body(&$0, element) }
            }
        }
    }

    /// An array of what is JSON already.
    mutating func row(_ key: String, _ values: [String]) {
        begin(key)
        text += "[" + values.joined(separator: ",") + "]"
    }

    /// An array of such arrays.
    mutating func rows(_ key: String, _ rows: [[String]]) {
        row(key, rows.map { "[" + $0.joined(separator: ",") + "]" })
    }

    package mutating func member(_ key: String, _ value: String) {
        begin(key)
        text += Self.quoted(value)
    }

    package mutating func member<Number: FixedWidthInteger>(_ key: String, _ value: Number) {
        begin(key)
        text += String(value)
    }

    package mutating func member(_ key: String, _ value: Bool) {
        begin(key)
        text += value ? "true" : "false"
    }

    /// With at most three decimals; what is no finite number is 0.
    package mutating func member(_ key: String, _ value: Double) {
        begin(key)
        text += NumberFormat.trimmed(value, digits: 3)
    }

    /// Exactly; what is no finite number is null.
    package mutating func member(_ key: String, real value: Double) {
        begin(key)
        text += value.isFinite ? PrometheusWriter.written(value) : "null"
    }

    package mutating func member(_ key: String, _ values: [String]) {
        begin(key)
        text += "[" + values.map(Self.quoted).joined(separator: ",") + "]"
    }

    /// Nanoseconds, written as seconds.
    package mutating func member(_ key: String, seconds nanoseconds: UInt64) {
        begin(key)
        text += NumberFormat.seconds(nanoseconds)
    }

    /// A JSON string (RFC 8259 §7): what must be escaped is, and so are U+2028 and U+2029, which end a line for some readers of logs.
    package static func quoted(_ value: String) -> String {
        var quoted = "\""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\n": quoted += "\\n"
            case "\r": quoted += "\\r"
            case "\t": quoted += "\\t"
            case "\u{0}"..."\u{1F}", "\u{7F}", "\u{2028}", "\u{2029}":
                let digits = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }

    private mutating func separate() {
        if needsComma { text += "," }
        needsComma = true
    }

    private mutating func begin(_ key: String) {
        separate()
        text += Self.quoted(key)
        text += ":"
    }

    private mutating func container(_ open: String, _ close: String, _ body: (inout JSONWriter) -> Void) {
        text += open
        needsComma = false
        body(&self)
        text += close
        needsComma = true
    }
}
