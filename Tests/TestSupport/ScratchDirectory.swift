// A directory for a test: filled, used, and removed with all in it when the test is over.

import Glibc

package final class ScratchDirectory {
    package let directory: String

    package init() {
        var template = Array("/tmp/everycore-test-XXXXXX".utf8CString)
        let made = unsafe template.withUnsafeMutableBufferPointer { unsafe $0.baseAddress.flatMap { unsafe mkdtemp($0) } != nil }
        directory = made ? String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self) : "/nonexistent"
    }

    deinit {
        // Made by this test alone, one level of each kind at a time.
        for name in made.reversed() where unsafe unlink(name) != 0 { _ = unsafe rmdir(name) }
        _ = unsafe rmdir(directory)
    }

    private var made: [String] = []

    /// The path of a file or directory in it, which is removed in the end.
    package func path(_ name: String) -> String {
        let full = directory + "/" + name
        if !made.contains(full) { made.append(full) }
        return full
    }

    @discardableResult
    package func write(_ text: String, to name: String = "everycore.yaml") -> String { write(Array(text.utf8), to: name) }

    /// - Parameter age: of its modification, in seconds; negative for a time in the future.
    /// - Returns: the file's path.
    @discardableResult
    package func write(_ bytes: [UInt8], to name: String = "everycore.yaml", age: Int = 0) -> String {
        let descriptor = unsafe open(path(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        defer { close(descriptor) }
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { break }
            rest = rest.dropFirst(count)
        }
        if age != 0 {
            let moment = timespec(tv_sec: time(nil) - age, tv_nsec: 123_456_789)
            let times = [moment, moment]
            _ = unsafe futimens(descriptor, times)
        }
        return path(name)
    }

    package func read(_ name: String) -> String {
        let descriptor = unsafe open(path(name), O_RDONLY | O_CLOEXEC)
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = unsafe chunk.withUnsafeMutableBytes { unsafe Glibc.read(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
            bytes += chunk.prefix(count)
        }
    }
}
