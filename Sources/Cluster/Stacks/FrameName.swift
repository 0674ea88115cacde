// The name of a function as it is shown: of a Swift symbol what its author would call it, without types and without what the compiler adds.
// A pure value. The symbols are a file's, which may hold anything.
// Process: the one that names frames · Thread: its only one

internal import CEverycorePosix

package struct FrameName: Equatable {
    /// Printable ASCII of at most ``byteCount`` bytes.
    package let text: String
    /// Where the function is declared; nil for one that isn't Swift's.
    package let module: String?

    package static let byteCount = 120

    /// - Parameter symbol: as the symbol table has it.
    /// - Returns: nil for what the compiler has put between two functions.
    package init?(symbol: String) {
        module = Self.module(of: symbol)
        let demangled = module == nil ? nil : Self.demangled(symbol)
        guard let shown = demangled.map(Self.short) ?? symbol, !shown.isEmpty else { return nil }
        text = LogText.plain(shown, limit: Self.byteCount)
    }

    private static func demangled(_ symbol: String) -> String? {
        let text = unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 8192) { buffer -> String? in
            guard unsafe cposix_demangle(symbol, buffer.baseAddress, buffer.count) != 0 else { return nil }
            return unsafe buffer.baseAddress.map { unsafe String(cString: $0) }
        }
        return text
    }

    /// The module that a Swift symbol's first name is: what follows the prefix is its length and itself, or the standard library's letter.
    package static func module(of symbol: String) -> String? {
        guard let prefix = ["$s", "$S", "$e"].first(where: symbol.hasPrefix) else { return nil }
        let rest = symbol.dropFirst(prefix.count)
        let digits = rest.prefix { $0.isASCII && $0.isNumber }
        guard let count = Int(digits), count > 0, count < 200 else { return "Swift" }
        return String(rest.dropFirst(digits.count).prefix(count))
    }

    // MARK: Without types

    private static let wrappers = [
        "suspend resume partial function for ", "await resume partial function for ", "partial apply forwarder for ", "merged ", "static ", "async ",
    ]
    private static let specializations = ["generic specialization ", "generic not re-abstracted specialization ", "function signature specialization "]
    private static let glue = ["reabstraction thunk ", "thunk for ", "dispatch thunk of ", "outlined ", "implicit closure "]

    /// Nil for glue.
    package static func short(_ demangled: String) -> String? {
        var text = demangled[...]
        while true {
            if text.hasPrefix("("), let end = text.firstIndex(of: ")"), text[text.index(after: text.startIndex)..<end].allSatisfy(\.isNumber) {
                text = text[text.index(after: end)...].drop { $0 == " " }
            } else if let wrapper = wrappers.first(where: text.hasPrefix) {
                text = text.dropFirst(wrapper.count)
            } else if let kind = specializations.first(where: text.hasPrefix) {
                guard let rest = afterAngles(text.dropFirst(kind.count)) else { break }
                text = rest
            } else if text.hasPrefix("specialized ") {
                text = text.dropFirst(12)
            } else {
                break
            }
        }
        if glue.contains(where: text.hasPrefix) { return nil }
        if text.hasPrefix("protocol witness for "), let end = text.firstRange(of: " in conformance ") { text = text[..<end.lowerBound].dropFirst(21) }
        return components(withoutTypes(text)).joined(separator: " in ")
    }

    /// What follows `<…> of `.
    private static func afterAngles(_ text: Substring) -> Substring? {
        var depth = 0
        var previous: Character = " "
        for index in text.indices {
            let character = text[index]
            if character == "<" { depth += 1 }
            if character == ">", previous != "-" { depth -= 1 }
            previous = character
            guard depth == 0, character == ">" else { continue }
            let rest = text[text.index(after: index)...]
            return rest.hasPrefix(" of ") ? rest.dropFirst(4) : nil
        }
        return nil
    }

    /// Drops what is in brackets, but for the name of something private: `(name in _0123)`.
    private static func withoutTypes(_ text: Substring) -> String {
        var result = ""
        var depth = 0
        var group = ""
        var previous: Character = " "
        for character in text {
            let opens = character == "(" || character == "<"
            let closes = character == ")" || character == ">" && previous != "-"
            previous = character
            if closes, depth > 0 {
                depth -= 1
                if depth == 0, let end = group.firstRange(of: " in _") { result += group[..<end.lowerBound] }
            } else if depth > 0, !opens {
                if depth == 1 { group.append(character) }
            } else if opens {
                if depth == 0 { group = "" }
                depth += 1
            } else {
                result.append(character)
            }
        }
        return result
    }

    /// Of `closure #1 @Sendable throws -> Out in Shop.Cart.total : Int` the functions: `closure #1`, `Cart.total`.
    private static func components(_ text: String) -> [String] {
        text.split(separator: " ").reduce(into: [[Substring]()]) { parts, word in
            word == "in" ? parts.append([]) : parts[parts.count - 1].append(word)
        }.compactMap { words in
            let end = words.firstIndex { $0 == "->" || $0 == ":" } ?? words.count
            let kept = words[..<end].filter { !$0.hasPrefix("@") && !["throws", "async", "rethrows"].contains($0) }
            let named = kept.map { withoutModule($0.hasPrefix(":") ? $0.dropFirst() : $0) }.joined(separator: " ")
            return named.isEmpty ? nil : named
        }
    }

    /// Also of an extension, `:Shop.Cart.total`.
    private static func withoutModule(_ word: Substring) -> String {
        guard !word.hasPrefix("#"), let dot = word.firstIndex(of: "."), dot != word.startIndex else { return String(word) }
        let rest = word[word.index(after: dot)...].drop { $0 == "." }
        return rest.isEmpty ? String(word) : String(rest)
    }
}
