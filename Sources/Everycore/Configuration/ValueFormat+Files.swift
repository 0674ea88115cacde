// How the settings of static files are written: lists of names, and of patterns with what they decide.
// Pure; runs in the process that reads the configuration, before any fork.

extension ValueFormat where Value == [String] {
    /// Names of files with spaces between them, or `off`.
    package static let names = ValueFormat(
        scalar: .word, expectation: "names of files with spaces between them, such as index.html index.htm, or off",
        parse: { text in
            if text == "off" { return [] }
            let names = text.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
            return names.allSatisfy(isFileName) ? names : nil
        },
        render: { $0.isEmpty ? "off" : $0.joined(separator: " ") },
        accepts: { $0.allSatisfy(isFileName) && $0 != ["off"] })
}

extension ValueFormat where Value == [CacheRule] {
    /// `*.html no-cache; /assets/* max-age=86400`, or `off`.
    package static let cacheRules = ValueFormat(
        scalar: .word,
        expectation: "patterns of paths, each with a value for Cache-Control, such as \"*.html no-cache; /assets/* max-age=86400\", or off",
        parse: { text in
            if text == "off" { return [] }
            var rules: [CacheRule] = []
            for part in text.split(separator: ";", omittingEmptySubsequences: false) {
                let rule = part.drop { $0 == " " }
                guard let space = rule.firstIndex(of: " ") else { return nil }
                let value = rule[space...].drop { $0 == " " }.reversed().drop { $0 == " " }.reversed()
                guard let rule = CacheRule(pattern: String(rule[..<space]), value: String(value)) else { return nil }
                rules.append(rule)
            }
            return rules
        },
        render: { rules in rules.isEmpty ? "off" : rules.map { "\($0.pattern) \($0.value)" }.joined(separator: "; ") },
        accepts: { _ in true })
}

/// A name that can stand in a list and in a directory.
private func isFileName(_ text: String) -> Bool {
    !text.isEmpty && text.utf8.count <= 255 && text != "." && text != ".."
        && text.utf8.allSatisfy { $0 > 0x20 && $0 != 0x2F && $0 != 0x7F }
}
