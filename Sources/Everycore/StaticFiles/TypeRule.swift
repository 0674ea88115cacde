// The media type of files by their names, where the configuration knows better than the table.
//
// Part of the configuration: read in the master before the fork, applied in the workers when a file is looked at first. Pure.

/// The `Content-Type` of files with an ending, or of one name.
public struct TypeRule: Sendable, Equatable {
    /// An ending without its dot, in any case (`html`), or a whole name (`apple-app-site-association`).
    public let name: String
    /// Sent as it is: `text/html;charset=shift_jis`.
    public let type: String

    /// - Returns: nil where the name is empty or has a space, `/` or `=` in it, or the type isn't `type/subtype` with parameters.
    public init?(name: String, type: String) {
        let isName = name.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "=") }
        let parts = type.prefix { $0 != ";" }.split(separator: "/", omittingEmptySubsequences: false)
        guard !name.isEmpty, isName, type.utf8.allSatisfy({ 0x21...0x7E ~= $0 }), parts.count == 2, parts.allSatisfy({ !$0.isEmpty })
        else { return nil }
        self.name = name
        self.type = type
    }

    /// - Parameter path: below the root.
    func matches(_ path: [UInt8]) -> Bool {
        if let ending = MediaType.ending(of: path), ending == name.lowercased() { return true }
        return path[(path.lastIndex(of: UInt8(ascii: "/")).map { $0 + 1 } ?? 0)...].elementsEqual(name.utf8)
    }
}

extension ServerConfiguration.Files {
    /// The media type of the file at a path below the root.
    func type(of path: [UInt8]) -> String {
        types.first { $0.matches(path) }?.type ?? MediaType.of(path, charset: charset)
    }
}
