// A page with the names in a directory. Off unless the configuration turns it on.
//
// Made in the workers, anew for each request: it reads the directory, and holds the loop for that long.

internal import CEverycorePosix
internal import Glibc

enum DirectoryListing {
    /// More names than this are left out; the page says so.
    static let maximumNames = 10_000

    /// - Parameter path: the directory's, for the title.
    /// - Throws: `HTTPError` 403 where it can't be read.
    static func page(of directory: OpenFile, at path: FilePath) throws -> String {
        let (names, isCut) = try read(directory)
        let title = escaped("/" + String(decoding: path.bytes, as: UTF8.self) + (path.bytes.isEmpty ? "" : "/"))
        var page = """
            <!doctype html>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>Index of \(title)</title>
            <h1>Index of \(title)</h1>
            <ul>

            """
        if !path.bytes.isEmpty { page += "<li><a href=\"../\">../</a>\n" }
        for (name, slash) in names {
            let text = escaped(String(decoding: name, as: UTF8.self) + slash)
            // "./" keeps a colon in a name from making a scheme of what is before it (RFC 3986 §4.2).
            page += "<li><a href=\"./\(FilePath.escaped(name))\(slash)\">\(text)</a>\n"
        }
        page += "</ul>\n"
        return isCut ? page + "<p>There are more names than this page lists.\n" : page
    }

    /// Directories first, each kind by name. Names that wouldn't be served are left out.
    private static func read(_ directory: OpenFile) throws -> (names: [(name: [UInt8], slash: String)], isCut: Bool) {
        let descriptor: Int32
        do throws(OpenFailure) { descriptor = try directory.duplicate() } catch { throw error.answer }
        guard let stream = unsafe fdopendir(descriptor) else {
            close(descriptor)
            throw HTTPError(503)
        }
        defer { unsafe closedir(stream) }
        var names: [(name: [UInt8], slash: String)] = []
        while let entry = unsafe readdir(stream) {
            let kind = unsafe Int(entry.pointee.d_type)
            guard kind == DT_REG || kind == DT_DIR || kind == DT_LNK || kind == DT_UNKNOWN else { continue }
            let name = unsafe Array(UnsafeRawBufferPointer(start: cposix_entry_name(entry), count: Int(clamping: cposix_entry_length(entry))))
            guard name.first != UInt8(ascii: ".") else { continue }
            guard names.count < maximumNames else { return (sorted(names), true) }
            names.append((name, kind == DT_DIR ? "/" : ""))
        }
        return (sorted(names), false)
    }

    private static func sorted(_ names: [(name: [UInt8], slash: String)]) -> [(name: [UInt8], slash: String)] {
        names.sorted { left, right in
            left.slash == right.slash ? left.name.lexicographicallyPrecedes(right.name) : left.slash > right.slash
        }
    }

    /// Fit for text and for attribute values in double quotes.
    private static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            case _ where scalar.properties.generalCategory == .control: result += "\u{FFFD}"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
