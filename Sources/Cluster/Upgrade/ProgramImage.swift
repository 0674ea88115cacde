// How this program was started, and what an upgrade starts: what the program's path leads to at that moment, be it another file, or a
// link that was switched since. Where it leads nowhere, the running file again.
//
// Process: master · Thread: loop

internal import CEverycorePosix
internal import EverycoreLoop
internal import Glibc

struct ProgramImage {
    /// Absolute; nil where no path led to the running file.
    let path: String?
    let arguments: [String]
    /// The file that runs, by the name that it had at the start.
    private let runningFile: String

    /// Through this link the file runs that runs, also when it has no name any more.
    private static let running = "/proc/self/exe"

    /// Another one, by the path that leads to it now.
    init(path: String, arguments: [String]) {
        self.path = path
        self.arguments = arguments
        runningFile = path
    }

    /// Read when the cluster starts: later the working directory may be another one.
    /// - Parameter path: as the master before this one knew it.
    init(startedAs path: String? = nil) {
        arguments = CommandLine.arguments
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = unsafe buffer.withUnsafeMutableBytes { bytes in
            guard let start = bytes.baseAddress else { return 0 }
            return unsafe readlink(Self.running, start.assumingMemoryBound(to: CChar.self), bytes.count)
        }
        runningFile = count > 0 ? String(decoding: buffer.prefix(count), as: UTF8.self) : (arguments.first ?? "")
        let executed = unsafe cposix_executed_path().map { unsafe String(cString: $0) }
        self.path = path ?? Self.absolutePath(among: [executed, arguments.first].compactMap { $0 })
    }

    /// What is executed now: a path, and whether it is what the program's path leads to.
    var target: (path: String, isNamed: Bool) {
        if let path, unsafe access(path, X_OK) == 0 { return (path, true) }
        return (unsafe access(Self.running, X_OK) == 0 ? Self.running : runningFile, path == nil)
    }

    /// The first of these names that leads to the running file. As a shell's user sees it, with its links.
    private static func absolutePath(among names: [String]) -> String? {
        for name in names where !name.hasPrefix("/dev/") && !name.hasPrefix("/proc/") {
            let path = name.hasPrefix("/") ? name : "\(workingDirectory)/\(name)"
            if unsafe cposix_is_same_file(path, running) != 0 { return path }
        }
        return nil
    }

    /// With the links that led there, where the shell has told them: `current` of a release directory is one.
    private static var workingDirectory: String {
        if let told = ServiceManager.variable("PWD"), told.hasPrefix("/"), unsafe cposix_is_same_file(told, ".") != 0 { return told }
        guard let path = unsafe getcwd(nil, 0) else { return "." }
        defer { unsafe free(path) }
        return unsafe String(cString: path)
    }

    // MARK: Starting it

    /// Forks and executes a path with the arguments of this program. Safe also where this process has several threads.
    /// - Parameters:
    ///   - environment: changes to this process's: nil takes a variable out.
    ///   - kept: descriptors that the new program has under the same numbers.
    ///   - openFiles: its soft limit of open files.
    func start(
        _ path: String, environment changes: [String: String?], kept: [Int32], openFiles: Int
    ) throws(SystemError) -> Int32 {
        let list = unsafe CStrings(arguments)
        let environment = unsafe CStrings(Self.environment(with: changes))
        let pid = unsafe path.withCString { path in
            unsafe kept.withUnsafeBufferPointer { kept in
                var program = unsafe cposix_program(
                    path: path, arguments: list.pointers, environment: environment.pointers, kept: kept.baseAddress,
                    kept_count: kept.count, open_files: openFiles == .max ? -1 : openFiles)
                return unsafe cposix_start_program(&program)
            }
        }
        let code = errno
        guard pid > 0 else { throw SystemError(errno: code, operation: "fork") }
        return pid
    }

    private static func environment(with changes: [String: String?]) -> [String] {
        var lines: [String] = []
        var entry = unsafe environ
        while let line = unsafe entry.pointee {
            let text = unsafe String(cString: line)
            if !changes.keys.contains(where: { text.hasPrefix("\($0)=") }) { lines.append(text) }
            unsafe entry += 1
        }
        for (name, value) in changes { if let value { lines.append("\(name)=\(value)") } }
        return lines
    }
}

/// An array of C strings that ends with NULL, made before a fork: its child allocates nothing.
@unsafe private final class CStrings {
    let pointers: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    private let count: Int

    init(_ texts: [String]) {
        unsafe count = texts.count
        unsafe pointers = .allocate(capacity: texts.count + 1)
        for (index, text) in texts.enumerated() { unsafe pointers[index] = strdup(text) }
        unsafe pointers[count] = nil
    }

    deinit {
        for index in unsafe 0..<count { unsafe free(pointers[index]) }
        unsafe pointers.deallocate()
    }
}
