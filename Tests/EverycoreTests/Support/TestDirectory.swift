// A directory for a test: filled, served, and removed when the test is over.

import Everycore
import Glibc
import TestSupport
import Testing

final class TestDirectory {
    private let scratch = ScratchDirectory()
    var path: String { scratch.directory }

    func noted(_ name: String) -> String { scratch.path(name) }

    /// - Parameter age: of its modification, in seconds. A file that is younger than a second has a weak tag.
    func write(_ name: String, _ text: String, age: Int = 3600) { scratch.write(Array(text.utf8), to: name, age: age) }

    func makeDirectory(_ name: String) { #expect(unsafe mkdir(noted(name), 0o755) == 0) }
    func link(_ name: String, to target: String) { #expect(unsafe symlink(target, noted(name)) == 0) }
    func makeFifo(_ name: String) { #expect(unsafe mkfifo(noted(name), 0o644) == 0) }
    func rename(_ name: String, to other: String) { #expect(unsafe Glibc.rename(noted(name), noted(other)) == 0) }

    /// The names of its files that this process has open, deleted ones among them.
    var openFiles: [String] {
        (3..<4096).compactMap { descriptor in
            guard let target = Self.linkTarget("/proc/self/fd/\(descriptor)"), target.hasPrefix(path + "/") else { return nil }
            return String(target.dropFirst(path.count + 1))
        }
    }

    private static func linkTarget(_ link: String) -> String? {
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: 512) { buffer, count in
            unsafe buffer.withMemoryRebound(to: CChar.self) { text in
                guard let start = text.baseAddress else { return }
                count = unsafe max(0, readlink(link, start, text.count))
            }
        }
        return bytes.isEmpty ? nil : String(decoding: bytes, as: UTF8.self)
    }

    func remove(_ name: String) { _ = unsafe unlink(path + "/" + name) }

    func client(
        walks: Bool = false, compressor: ResponseCompressor? = nil, _ change: (inout ServerConfiguration.Files) -> Void = { _ in },
        routes: (inout Everycore.Routes) throws -> Void = { _ in }
    ) throws -> TestClient {
        var settings = ServerConfiguration.Files()
        change(&settings)
        let files = StaticFiles(root: try DocumentRoot(path, walks: walks), settings: settings)
        return try TestClient(files: files, compressor: compressor, routes)
    }
}
