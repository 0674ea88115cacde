// Media types by the ending of a file's name: those that a web site has (IANA media types registry, RFC 9239 for JavaScript).
//
// Constants, used in the workers when a file is looked at for the first time. Text says that it is UTF-8: that is what text
// in files is today, and a browser that is told nothing guesses.

package enum MediaType {
    /// What is known of a file whose name says nothing.
    package static let unknown: StaticString = "application/octet-stream"

    /// - Parameter name: the file's name or path, as bytes.
    package static func of(_ name: some BidirectionalCollection<UInt8>) -> StaticString {
        guard let dot = name.lastIndex(of: UInt8(ascii: ".")) else { return unknown }
        let ending = name[name.index(after: dot)...]
        guard (1...11).contains(ending.count), !ending.contains(UInt8(ascii: "/")) else { return unknown }
        return table[String(decoding: ending.map(lowercased), as: UTF8.self)] ?? unknown
    }

    private static let table: [String: StaticString] = [
        // Pages, scripts, data
        "html": "text/html; charset=utf-8", "htm": "text/html; charset=utf-8", "shtml": "text/html; charset=utf-8",
        "xhtml": "application/xhtml+xml", "css": "text/css; charset=utf-8",
        "js": "text/javascript; charset=utf-8", "mjs": "text/javascript; charset=utf-8", "cjs": "text/javascript; charset=utf-8",
        "json": "application/json", "map": "application/json", "jsonld": "application/ld+json", "geojson": "application/geo+json",
        "webmanifest": "application/manifest+json", "topojson": "application/json", "ndjson": "application/x-ndjson",
        "xml": "text/xml; charset=utf-8", "xsl": "text/xml; charset=utf-8", "xslt": "application/xslt+xml",
        "rss": "application/rss+xml", "atom": "application/atom+xml", "wasm": "application/wasm",
        "yaml": "application/yaml", "yml": "application/yaml", "toml": "application/toml", "sql": "application/sql",
        // Text
        "txt": "text/plain; charset=utf-8", "text": "text/plain; charset=utf-8", "log": "text/plain; charset=utf-8",
        "conf": "text/plain; charset=utf-8", "ini": "text/plain; charset=utf-8", "diff": "text/plain; charset=utf-8",
        "patch": "text/plain; charset=utf-8", "sh": "text/plain; charset=utf-8", "py": "text/plain; charset=utf-8",
        "c": "text/plain; charset=utf-8", "h": "text/plain; charset=utf-8", "swift": "text/plain; charset=utf-8",
        "md": "text/markdown; charset=utf-8", "markdown": "text/markdown; charset=utf-8",
        "csv": "text/csv; charset=utf-8", "tsv": "text/tab-separated-values; charset=utf-8",
        "ics": "text/calendar; charset=utf-8", "vcf": "text/vcard; charset=utf-8", "vtt": "text/vtt; charset=utf-8",
        "srt": "application/x-subrip", "tex": "application/x-tex", "rtf": "application/rtf",
        // Images
        "png": "image/png", "apng": "image/apng", "jpg": "image/jpeg", "jpeg": "image/jpeg", "jxl": "image/jxl",
        "gif": "image/gif", "webp": "image/webp", "avif": "image/avif", "heic": "image/heic", "heif": "image/heif",
        "svg": "image/svg+xml", "svgz": "image/svg+xml", "ico": "image/vnd.microsoft.icon", "bmp": "image/bmp",
        "tif": "image/tiff", "tiff": "image/tiff", "psd": "image/vnd.adobe.photoshop",
        // Sound and video
        "mp3": "audio/mpeg", "m4a": "audio/mp4", "aac": "audio/aac", "oga": "audio/ogg", "ogg": "audio/ogg", "opus": "audio/ogg",
        "wav": "audio/wav", "flac": "audio/flac", "weba": "audio/webm", "mid": "audio/midi", "midi": "audio/midi",
        "mp4": "video/mp4", "m4v": "video/mp4", "webm": "video/webm", "ogv": "video/ogg", "mov": "video/quicktime",
        "avi": "video/x-msvideo", "mkv": "video/matroska", "mpeg": "video/mpeg", "mpg": "video/mpeg", "ts": "video/mp2t",
        "3gp": "video/3gpp", "m3u8": "application/vnd.apple.mpegurl", "mpd": "application/dash+xml",
        // Fonts
        "woff": "font/woff", "woff2": "font/woff2", "ttf": "font/ttf", "otf": "font/otf", "ttc": "font/collection",
        "eot": "application/vnd.ms-fontobject",
        // Documents
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
        "bin": "application/octet-stream", "exe": "application/vnd.microsoft.portable-executable",
        "pem": "application/x-pem-file", "crt": "application/x-x509-ca-cert", "torrent": "application/x-bittorrent",
    ]
}
