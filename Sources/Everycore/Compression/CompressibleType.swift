// Which media types are worth compressing: text in its many forms, and the few binary ones that aren't compressed already.
// A list of what is taken and not of what isn't: an unknown type is left as it is.
//
// Pure; runs in the workers, for responses of at least the minimal size.

enum CompressibleType {
    /// - Parameter field: the value of Content-Type, parameters and all.
    static func contains(_ field: String) -> Bool {
        let name = field.prefix { $0 != ";" && $0 != " " && $0 != "\t" }.lowercased()
        return name.hasPrefix("text/") || suffixes.contains { name.hasSuffix($0) } || names.contains(name)
    }

    /// Structured syntax suffixes (RFC 6839, RFC 9512).
    private static let suffixes = ["+json", "+xml", "+yaml", "+json-seq"]

    private static let names: Set<String> = [
        "application/json", "application/json-seq", "application/jsonl", "application/x-ndjson", "application/ndjson",
        "application/javascript", "application/x-javascript", "application/ecmascript", "application/xml",
        "application/xml-dtd", "application/wasm", "application/yaml", "application/x-yaml", "application/toml",
        "application/sql", "application/graphql", "application/rtf", "application/x-tex", "application/x-subrip",
        "application/x-www-form-urlencoded", "application/vnd.apple.mpegurl", "application/openmetrics-text",
        "application/vnd.ms-fontobject", "font/ttf", "font/otf", "font/collection",
        "image/bmp", "image/vnd.microsoft.icon", "image/x-icon",
    ]
}
