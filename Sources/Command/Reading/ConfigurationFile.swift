// A YAML configuration file, taken apart: the settings it names, and what is wrong with it.
// Runs in the master, before the fork and again at a reload.
//
// Yams is asked directly, not through `YAMLSnapshot`, for three reasons: a snapshot doesn't tell which keys a file has (so unknown
// ones would pass), nor their lines, and it walks through aliases without a bound.

#if Command
import Everycore
import Yams

/// What a file says.
package struct ConfigurationFile: Sendable {
    /// A value that its setting takes, as written, and its line.
    package struct Entry: Sendable, Equatable {
        package let text: String
        package let line: Int
    }

    package private(set) var entries: [String: Entry] = [:]
    /// Lines for people, each beginning with the file's name, in the file's order.
    package private(set) var problems: [String] = []
    private let path: String
    /// A file with so many mistakes is another one: the master has more to do at a reload than to list them all.
    private static let problemLimit = 100
    private var isAnother: Bool { problems.count >= Self.problemLimit }

    package init(path: String) {
        self.path = path
        do {
            let bytes = try fileBytes(at: path)
            guard let text = String(validating: bytes, as: UTF8.self) else {
                throw FileFailure(reason: "is not UTF-8 text")
            }
            try take(text)
        } catch let failure as FileFailure {
            problems.append("\(path.isEmpty ? "\"\"" : path): \(failure.reason)")
        } catch {
            problems.append(invalidYAML(error))
        }
    }

    /// `.basic`, because the standard resolver compiles seven regular expressions; `.utf8`, because the standard encoding prints to standard
    /// output when a certain environment variable is set.
    private mutating func take(_ text: String) throws {
        guard let root = try Parser(yaml: text, resolver: .basic, encoding: .utf8).singleRoot() else { return }
        switch root {
        case .mapping(let mapping): take(mapping)
        case .scalar(let scalar) where isNull(scalar): return
        default: report(line: root.mark?.line, key: nil, "must consist of `key: value` lines")
        }
        if isAnother { problems.append("\(path): the rest is not looked at") }
    }

    private mutating func take(_ mapping: Node.Mapping) {
        for (keyNode, value) in mapping where !isAnother {
            guard let key = name(keyNode, in: nil) else { continue }
            if let setting = Setting.all.first(where: { $0.key == key && $0.group == nil }) {
                take(value, for: setting, at: keyNode)
            } else if Setting.all.contains(where: { $0.group == key }) {
                take(value, ofGroup: key, at: keyNode)
            } else {
                report(line: keyNode.mark?.line, key: key, unknownKey(key))
            }
        }
    }

    private mutating func take(_ value: Node, ofGroup group: String, at keyNode: Node) {
        guard case .mapping(let members) = value else {
            // A group whose settings are all commented out.
            if case .scalar(let scalar) = value, isNull(scalar) { return }
            return report(line: keyNode.mark?.line, key: group, "is a group: its settings stand below it, indented")
        }
        for (memberNode, value) in members where !isAnother {
            guard let member = name(memberNode, in: group) else { continue }
            let key = "\(group).\(member)"
            if let setting = Setting.all.first(where: { $0.key == key }) {
                take(value, for: setting, at: memberNode)
            } else {
                report(line: memberNode.mark?.line, key: key, unknownKey(key))
            }
        }
    }

    private mutating func take(_ value: Node, for setting: Setting, at keyNode: Node) {
        let line = value.mark?.line ?? keyNode.mark?.line ?? 0
        guard case .scalar(let scalar) = value else {
            let found = if case .sequence = value { "a list" } else { "a group" }
            return report(line: line, key: setting.key, "\(found) is not \(setting.expectation)")
        }
        if isNull(scalar) {
            return report(line: keyNode.mark?.line, key: setting.key, "has no value; it takes \(setting.expectation)")
        }
        if setting.isBare, scalar.style != .plain {
            return report(line: line, key: setting.key, "text in quotes is not \(setting.expectation)")
        }
        var scratch = ServerConfiguration()
        if let reason = setting.apply(scalar.string, to: &scratch) { return report(line: line, key: setting.key, reason) }
        entries[setting.key] = Entry(text: scalar.string, line: line)
    }

    private mutating func name(_ node: Node, in group: String?) -> String? {
        if case .scalar(let scalar) = node { return scalar.string }
        report(line: node.mark?.line, key: group, "a list or a group can't be a key")
        return nil
    }

    private mutating func report(line: Int?, key: String?, _ reason: String) {
        let place = line.map { "\(path):\($0)" } ?? path
        problems.append(key.map { "\(place): \(bare($0)): \(reason)" } ?? "\(place): \(reason)")
    }

    private func invalidYAML(_ error: any Error) -> String {
        switch error as? YamlError {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _), .composer(_, let problem, let mark, _):
            "\(path):\(mark.line): is not valid YAML: \(problem)"
        case .duplicatedKeysInMapping(let keys, let context):
            "\(path):\(context.mark.line): \(keys.map(bare).joined(separator: ", ")): is given more than once"
        case .reader(let problem, _, _, _):
            "\(path): is not valid YAML: \(problem)"
        default:
            "\(path): is not valid YAML: \(error)"
        }
    }
}

/// YAML's null, which in Swift's terms is no value (YAML 1.2 §10.2.1.1).
private func isNull(_ scalar: Node.Scalar) -> Bool {
    scalar.style == .plain && ["", "~", "null", "Null", "NULL"].contains(scalar.string)
}

/// A key as it stands in a message: quoted only when something in it needs to be.
private func bare(_ key: String) -> String {
    key.utf8.count <= 80 && key.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F } ? key : printable(key)
}
#endif
