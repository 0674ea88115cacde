// Everything that is wrong with a configuration, at once, so that one run of the command shows every mistake.
// Process: master · Thread: main, before the fork and at a reload

#if Command
/// Where a value comes from.
package enum Origin: Sendable, Equatable, CustomStringConvertible {
    case option(String)
    case environment(String)
    case file(path: String, line: Int, key: String)
    case standard

    /// How an error message begins.
    package var description: String {
        switch self {
        case .option(let name): "--\(name)"
        case .environment(let name): "environment: \(name)"
        case .file(let path, let line, let key): "\(path):\(line): \(key)"
        case .standard: "default"
        }
    }

    /// The stronger one wins.
    var strength: Int {
        switch self {
        case .option: 3
        case .environment: 2
        case .file: 1
        case .standard: 0
        }
    }

    /// How `everycore check` names it behind a value.
    package var note: String {
        switch self {
        case .option(let name): "option --\(name)"
        case .environment(let name): "environment \(name)"
        case .file(let path, let line, _): "file \(path):\(line)"
        case .standard: "default"
        }
    }
}

/// The reasons why a configuration was refused, one line each, beginning with the place.
package struct ConfigurationErrors: Error, Sendable, Equatable, CustomStringConvertible {
    package let lines: [String]

    package init(lines: [String]) { self.lines = lines }

    package var description: String { lines.joined(separator: "\n") }
}
#endif
