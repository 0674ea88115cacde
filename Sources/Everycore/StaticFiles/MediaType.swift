// Media types by the name of a file: those that a web site has (IANA media types registry, RFC 9239 for JavaScript).
//
// Constants, used in the workers when a file is looked at for the first time; the configuration adds to them. Text says in which
// characters it is, UTF-8 unless the configuration says otherwise: without it browsers guess. Formats that say it themselves
// (XML, RFC 7303 §3) or that have but one (JSON, WebVTT) don't: the field would outrank the file.

package enum MediaType {
    /// What is known of a file whose name says nothing.
    package static let unknown = "application/octet-stream"

    /// - Parameters:
    ///   - path: the file's name or path, as bytes.
    ///   - charset: of text.
    package static func of(_ path: [UInt8], charset: String? = "utf-8") -> String {
        let name = String(decoding: path[(path.lastIndex(of: UInt8(ascii: "/")).map { $0 + 1 } ?? 0)...], as: UTF8.self)
        guard let type = names[name] ?? ending(of: path).flatMap({ table[$0] }) else { return unknown }
        guard let charset, hasCharset(type) else { return type }
        return "\(type); charset=\(charset)"
    }

    /// What is behind the last dot of the name, in small letters.
    package static func ending(of path: [UInt8]) -> String? {
        guard let dot = path.lastIndex(of: UInt8(ascii: ".")) else { return nil }
        let ending = path[(dot + 1)...]
        guard (1...16).contains(ending.count), !ending.contains(UInt8(ascii: "/")) else { return nil }
        return String(decoding: ending.map(lowercased), as: UTF8.self)
    }

    /// The coding that is part of a file's format, where the type says nothing of it: SVGZ is SVG in gzip (SVG 2, "Conforming servers").
    package static func coding(of path: [UInt8]) -> String? { ending(of: path) == "svgz" ? "gzip" : nil }

    private static func hasCharset(_ type: String) -> Bool {
        type.hasPrefix("text/") && !type.hasSuffix("+xml") && type != "text/vtt"
    }

    /// Files whose names are given and have no ending: well-known ones (RFC 8615), and texts that come with programs.
    private static let names: [String: String] = [
        "apple-app-site-association": "application/json", "openid-configuration": "application/json",
        "oauth-authorization-server": "application/json", "oauth-protected-resource": "application/json", "passkey-endpoints": "application/json",
        "jwks": "application/jwk-set+json", "webfinger": "application/jrd+json", "nodeinfo": "application/json",
        "host-meta": "application/xrd+xml", "traffic-advice": "application/trafficadvice+json",
        "apple-developer-merchantid-domain-association": "text/plain",
        "LICENSE": "text/plain", "README": "text/plain", "CHANGELOG": "text/plain", "NOTICE": "text/plain", "COPYING": "text/plain",
        "AUTHORS": "text/plain", "Makefile": "text/plain", "Dockerfile": "text/plain",
    ]

    private static let table: [String: String] = [
        // Pages, scripts, data
        "html": "text/html", "htm": "text/html", "shtml": "text/html",
        "xhtml": "application/xhtml+xml", "css": "text/css",
        "js": "text/javascript", "mjs": "text/javascript", "cjs": "text/javascript",
        "json": "application/json", "map": "application/json", "jsonld": "application/ld+json", "geojson": "application/geo+json",
        "webmanifest": "application/manifest+json", "topojson": "application/json", "ndjson": "application/x-ndjson",
        "xml": "application/xml", "xsl": "application/xml", "xsd": "application/xml", "dtd": "application/xml-dtd", "xslt": "application/xslt+xml",
        "rss": "application/rss+xml", "atom": "application/atom+xml", "wasm": "application/wasm",
        "jsonc": "application/json", "json5": "application/json5", "jsonl": "application/jsonl", "ipynb": "application/x-ipynb+json",
        "importmap": "application/importmap+json", "speculationrules": "application/speculationrules+json", "har": "application/json",
        "opml": "text/x-opml+xml", "rdf": "application/rdf+xml", "ttl": "text/turtle", "nt": "application/n-triples",
        "kml": "application/vnd.google-earth.kml+xml", "gpx": "application/gpx+xml", "xspf": "application/xspf+xml", "plist": "application/x-plist",
        "pb": "application/x-protobuf", "pbf": "application/x-protobuf", "cbor": "application/cbor", "msgpack": "application/vnd.msgpack",
        "parquet": "application/vnd.apache.parquet", "arrow": "application/vnd.apache.arrow.file", "pmtiles": "application/vnd.pmtiles",
        "mvt": "application/vnd.mapbox-vector-tile", "sqlite": "application/vnd.sqlite3", "wgsl": "text/wgsl",
        "yaml": "application/yaml", "yml": "application/yaml", "toml": "application/toml", "sql": "application/sql",
        // Text
        "txt": "text/plain", "text": "text/plain", "log": "text/plain",
        "conf": "text/plain", "ini": "text/plain", "diff": "text/plain",
        "patch": "text/plain", "sh": "text/plain", "py": "text/plain",
        "c": "text/plain", "h": "text/plain", "swift": "text/plain",
        "go": "text/plain", "rs": "text/plain", "java": "text/plain", "kt": "text/plain", "rb": "text/plain", "lua": "text/plain",
        "cpp": "text/plain", "hpp": "text/plain", "cc": "text/plain", "cs": "text/plain", "pl": "text/plain", "rst": "text/plain",
        "adoc": "text/plain", "nfo": "text/plain", "sha256": "text/plain", "sha512": "text/plain", "asc": "text/plain",
        "md": "text/markdown", "markdown": "text/markdown",
        "csv": "text/csv", "tsv": "text/tab-separated-values",
        "ics": "text/calendar", "vcf": "text/vcard", "vtt": "text/vtt",
        "srt": "application/x-subrip", "tex": "application/x-tex", "rtf": "application/rtf",
        // Images
        "png": "image/png", "apng": "image/apng", "jpg": "image/jpeg", "jpeg": "image/jpeg", "jxl": "image/jxl",
        "gif": "image/gif", "webp": "image/webp", "avif": "image/avif", "heic": "image/heic", "heif": "image/heif",
        "svg": "image/svg+xml", "svgz": "image/svg+xml", "ico": "image/vnd.microsoft.icon", "bmp": "image/bmp",
        "jpe": "image/jpeg", "jfif": "image/jpeg", "jp2": "image/jp2", "cur": "image/vnd.microsoft.icon", "ktx2": "image/ktx2",
        "tif": "image/tiff", "tiff": "image/tiff", "psd": "image/vnd.adobe.photoshop",
        // Sound and video
        "mp3": "audio/mpeg", "m4a": "audio/mp4", "aac": "audio/aac", "oga": "audio/ogg", "ogg": "audio/ogg", "opus": "audio/ogg",
        "wav": "audio/wav", "flac": "audio/flac", "weba": "audio/webm", "mid": "audio/midi", "midi": "audio/midi",
        "m4b": "audio/mp4", "mka": "audio/matroska", "aif": "audio/aiff", "aiff": "audio/aiff", "caf": "audio/x-caf", "amr": "audio/amr",
        "m4s": "video/iso.segment", "m2ts": "video/mp2t", "ttml": "application/ttml+xml", "m3u": "audio/mpegurl",
        "mp4": "video/mp4", "m4v": "video/mp4", "webm": "video/webm", "ogv": "video/ogg", "mov": "video/quicktime",
        "avi": "video/x-msvideo", "mkv": "video/matroska", "mpeg": "video/mpeg", "mpg": "video/mpeg", "ts": "video/mp2t",
        "3gp": "video/3gpp", "m3u8": "application/vnd.apple.mpegurl", "mpd": "application/dash+xml",
        // Fonts
        "woff": "font/woff", "woff2": "font/woff2", "ttf": "font/ttf", "otf": "font/otf", "ttc": "font/collection",
        "eot": "application/vnd.ms-fontobject",
        // Scenes
        "glb": "model/gltf-binary", "gltf": "model/gltf+json", "usdz": "model/vnd.usdz+zip", "stl": "model/stl", "obj": "model/obj",
        "mtl": "model/mtl", "3mf": "model/3mf", "lottie": "application/zip+dotlottie",
        // Documents
        "eml": "message/rfc822", "pkpass": "application/vnd.apple.pkpass", "mobileconfig": "application/x-apple-aspen-config",
        "pdf": "application/pdf", "ps": "application/postscript", "eps": "application/postscript", "epub": "application/epub+zip",
        "doc": "application/msword", "xls": "application/vnd.ms-excel", "ppt": "application/vnd.ms-powerpoint",
        "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        "odt": "application/vnd.oasis.opendocument.text", "ods": "application/vnd.oasis.opendocument.spreadsheet",
        "odp": "application/vnd.oasis.opendocument.presentation",
        // Archives and programs
        "zip": "application/zip", "gz": "application/gzip", "tgz": "application/gzip", "zst": "application/zstd",
        "bz2": "application/x-bzip2", "xz": "application/x-xz", "tar": "application/x-tar", "7z": "application/x-7z-compressed",
        "rar": "application/vnd.rar", "jar": "application/java-archive", "iso": "application/x-iso9660-image",
        "deb": "application/vnd.debian.binary-package", "rpm": "application/x-rpm", "apk": "application/vnd.android.package-archive",
        "dmg": "application/x-apple-diskimage", "msi": "application/x-msi", "msix": "application/msix", "xpi": "application/x-xpinstall",
        "crx": "application/x-chrome-extension", "appinstaller": "application/appinstaller", "kmz": "application/vnd.google-earth.kmz",
        "bin": "application/octet-stream", "exe": "application/vnd.microsoft.portable-executable",
        "pem": "application/x-pem-file", "crt": "application/x-x509-ca-cert", "torrent": "application/x-bittorrent",
    ]
}
