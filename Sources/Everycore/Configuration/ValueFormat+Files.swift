// How the settings of static files and of compression are written: lists of names, and of patterns with what they decide.
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

extension ValueFormat where Value == [TypeRule] {
    /// `html=text/html;charset=shift_jis data=application/x-data`, or `off`.
    package static let typeRules = ValueFormat(
        scalar: .word,
        expectation: "endings or names of files, each with its media type, such as \"html=text/html;charset=shift_jis bin=application/x-firmware\", or off",
        parse: { text in
            if text == "off" { return [] }
            var rules: [TypeRule] = []
            for part in text.split(separator: " ", omittingEmptySubsequences: false) {
                let halves = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                guard halves.count == 2, let rule = TypeRule(name: String(halves[0]), type: String(halves[1])) else { return nil }
                rules.append(rule)
            }
            return rules
        },
        render: { rules in rules.isEmpty ? "off" : rules.map { "\($0.name)=\($0.type)" }.joined(separator: " ") },
        accepts: { _ in true })
}

extension ValueFormat where Value == String? {
    /// A charset's name (RFC 2978), or `off`.
    package static let charset = ValueFormat(
        scalar: .word, expectation: "the name of a charset, such as utf-8, or off",
        parse: { text -> String?? in text == "off" ? .some(nil) : isCharset(text) ? .some(text) : nil },
        render: { $0 ?? "off" },
        accepts: { $0.map { isCharset($0) && $0 != "off" } ?? true })
}

extension ValueFormat where Value == [ContentCoding] {
    /// `gzip br zstd`, as far as this build has them, or `off`.
    package static let codings = ValueFormat(
        scalar: .word,
        expectation: codingsExpectation(),
        parse: { text in
            if text == "off" { return [] }
            var codings: [ContentCoding] = []
            for name in text.split(separator: " ", omittingEmptySubsequences: false) {
                guard let coding = ContentCoding.available.first(where: { $0.name.description == name }), !codings.contains(coding)
                else { return nil }
                codings.append(coding)
            }
            return codings
        },
        render: { $0.isEmpty ? "off" : $0.map(\.name.description).joined(separator: " ") },
        accepts: { $0.allSatisfy(ContentCoding.available.contains) })
}

private func codingsExpectation() -> String {
    let available = ContentCoding.available.map(\.name.description).joined(separator: " ")
    let isComplete = ContentCoding.allCases.allSatisfy(ContentCoding.available.contains)
    return "a list of what this build has (\(available)), or off" + (isComplete ? "" : "; the traits Brotli and Zstd build the others in")
}

private func isCharset(_ text: String) -> Bool {
    (1...40).contains(text.utf8.count)
        && text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0) || "-_.:+".utf8.contains($0) }
}

/// A name that can stand in a list and in a directory.
private func isFileName(_ text: String) -> Bool {
    !text.isEmpty && text.utf8.count <= 255 && text != "." && text != ".."
        && text.utf8.allSatisfy { $0 > 0x20 && $0 != 0x2F && $0 != 0x7F }
}
