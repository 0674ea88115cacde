// A YAML configuration file, taken apart: the settings it names, and what is wrong with it.
//
// libyaml is asked directly, not through swift-configuration's `YAMLSnapshot`, for four reasons: a snapshot doesn't tell which keys a file has
// (so unknown ones would pass), nor their lines; it walks through aliases without a bound; and its package brings all of Foundation with it.
//
// Process: master · Thread: main, before the fork and at a reload

#if Command
import Everycore

/// What a file says.
package struct ConfigurationFile: Sendable {
    /// A value that its setting takes, as written, and its line.
    package struct Entry: Sendable, Equatable {
        package let text: String
        package let line: Int
    }

    package private(set) var entries: [String: Entry] = [:]
    /// Messages, each beginning with the file's name, in the file's order.
    package private(set) var problems: [String] = []
    private let path: String
    /// The most problems that are listed. A file with more is probably no configuration, and a reload must not take long.
    private static let problemLimit = 100
    private var isAnother: Bool { problems.count >= Self.problemLimit }

    package init(path: String) {
        self.path = path
        do {
            let bytes = try fileBytes(at: path)
            guard String(validating: bytes, as: UTF8.self) != nil else { throw FileFailure(reason: "is not UTF-8 text") }
            try take(bytes)
        } catch let failure as FileFailure {
            problems.append("\(path.isEmpty ? "\"\"" : path): \(failure.reason)")
        } catch let failure as YAMLFailure {
            problems.append("\(path)\(failure.line.map { ":\($0)" } ?? ""): is not valid YAML: \(failure.reason)")
        } catch {
            problems.append("\(path): \(error)")
        }
    }

    private mutating func take(_ text: [UInt8]) throws(YAMLFailure) {
        let documents = try YAMLDocument.all(in: text)
        guard let root = documents.first else { return }
        if documents.count > 1 { throw YAMLFailure(line: documents[1].line, reason: "a second document begins") }
        if let members = root.entries {
            take(members, of: nil)
        } else if !isNull(root) {
            report(line: root.line, key: nil, "must consist of `key: value` lines")
        }
        if isAnother { problems.append("\(path): the rest is not looked at") }
    }

    /// - Parameter group: whose members these are; nil for the file itself.
    private mutating func take(_ members: [(key: YAMLNode, value: YAMLNode)], of group: String?) {
        var seen: Set<String> = []
        for (node, value) in members where !isAnother {
            guard let name = node.text else {
                report(line: node.line, key: group, "a list or a group can't be a key")
                continue
            }
            let key = group.map { "\($0).\(name)" } ?? name
            if !seen.insert(name).inserted {
                report(line: node.line, key: key, "is given more than once")
            } else if let setting = Setting.all.first(where: { $0.key == key && $0.group == group }) {
                take(value, for: setting, at: node)
            } else if group == nil, Setting.all.contains(where: { $0.group == key }) {
                take(value, ofGroup: key, at: node)
            } else {
                report(line: node.line, key: key, unknownKey(key))
            }
        }
    }

    private mutating func take(_ value: YAMLNode, ofGroup group: String, at keyNode: YAMLNode) {
        if let members = value.entries { return take(members, of: group) }
        // A group whose settings are all commented out.
        if isNull(value) { return }
        report(line: keyNode.line, key: group, "is a group: its settings stand below it, indented")
    }

    private mutating func take(_ value: YAMLNode, for setting: Setting, at keyNode: YAMLNode) {
        guard let text = value.text ?? (setting.key == "workers" ? bounds(in: value) : nil) else {
            if setting.key == "workers", let members = value.entries {
                let missing = ["min", "max"].filter { value[$0] == nil }
                let others = members.compactMap(\.key.text).filter { $0 != "min" && $0 != "max" }
                let reason = missing.isEmpty ? others.first.map { "\(bare($0)) is none of its members" } : "\(missing.joined(separator: " and ")) is missing"
                return report(
                    line: value.line, key: setting.key, "a group has both min and max, such as {min: 2, max: 16}\(reason.map { ": \($0)" } ?? "")")
            }
            return report(line: value.line, key: setting.key, "\(value.items == nil ? "a group" : "a list") is not \(setting.expectation)")
        }
        if isNull(value) {
            return report(line: keyNode.line, key: setting.key, "has no value; it takes \(setting.expectation)")
        }
        if setting.isBare, !value.isPlain {
            return report(line: value.line, key: setting.key, "text in quotes is not \(setting.expectation)")
        }
        var scratch = ServerConfiguration()
        if let reason = setting.apply(text, to: &scratch) { return report(line: value.line, key: setting.key, reason) }
        entries[setting.key] = Entry(text: text, line: value.line)
    }

    private mutating func report(line: Int, key: String?, _ reason: String) {
        let place = "\(path):\(line)"
        problems.append(key.map { "\(place): \(bare($0)): \(reason)" } ?? "\(place): \(reason)")
    }
}

/// `{min: 2, max: 16}` as an option has it, `2..16`; nil for anything else.
private func bounds(in node: YAMLNode) -> String? {
    guard let members = node.entries, members.count == 2, let lower = node["min"]?.text, let upper = node["max"]?.text else { return nil }
    return "\(lower)..\(upper)"
}

/// YAML's null, which in Swift's terms is no value (YAML 1.2 §10.2.1.1).
private func isNull(_ node: YAMLNode) -> Bool {
    node.isPlain && ["", "~", "null", "Null", "NULL"].contains(node.text)
}

/// A key as it stands in a message: quoted only when something in it needs to be.
private func bare(_ key: String) -> String {
    key.utf8.count <= 80 && key.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F } ? key : printable(key)
}
#endif
