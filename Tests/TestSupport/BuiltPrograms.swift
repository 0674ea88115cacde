// Where the programs are that tests start: in the folder of EVERYCORE_PROGRAMS, or beside the test bundle.

import Glibc

package enum BuiltPrograms {
    package static func path(of program: String) -> String { "\(folder)/\(program)" }

    private static let folder: String = {
        if let folder = unsafe getenv("EVERYCORE_PROGRAMS") { return unsafe String(cString: folder) }
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = unsafe buffer.withUnsafeMutableBytes { bytes in
            guard let start = bytes.baseAddress else { return 0 }
            return unsafe readlink("/proc/self/exe", start, bytes.count)
        }
        let executable = String(decoding: buffer.prefix(max(count, 0)), as: UTF8.self)
        return executable.lastIndex(of: "/").map { String(executable[..<$0]) } ?? "."
    }()
}
