// Starts the built `everycore` as a shell would, with an environment of the test's choosing.

#if Command
import Glibc

struct Program {
    let status: Int32
    let output: String
    let error: String

    /// The executable next to the test's own.
    static let path: String = {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = unsafe buffer.withUnsafeMutableBytes { bytes in
            guard let start = bytes.baseAddress else { return 0 }
            return unsafe readlink("/proc/self/exe", start, bytes.count)
        }
        let executable = String(decoding: buffer.prefix(max(count, 0)), as: UTF8.self)
        return (executable.lastIndex(of: "/").map { String(executable[...$0]) } ?? "") + "everycore"
    }()

    /// Runs it to its end.
    static func run(_ arguments: String..., environment: [String: String] = [:]) -> Program {
        let scratch = Scratch()
        let process = start(arguments, environment: environment, output: scratch.path("out"), error: scratch.path("err"))
        return Program(status: wait(process), output: scratch.read("out"), error: scratch.read("err"))
    }

    static func start(_ arguments: [String], environment: [String: String], output: String, error: String) -> pid_t {
        var variables = environment
        for name in ["LD_LIBRARY_PATH", "PATH"] {
            if let value = unsafe getenv(name) { variables[name] = unsafe String(cString: value) }
        }
        var argv = unsafe ([path] + arguments).map { unsafe strdup($0) } + [nil]
        var envp = unsafe variables.map { unsafe strdup("\($0.key)=\($0.value)") } + [nil]
        defer {
            unsafe (argv + envp).forEach { unsafe free($0) }
        }
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        unsafe posix_spawn_file_actions_addopen(&actions, 2, error, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        var process = pid_t()
        guard unsafe posix_spawn(&process, path, &actions, nil, &argv, &envp) == 0 else { return -1 }
        return process
    }

    /// The exit status, or the negative number of the signal that ended it.
    static func wait(_ process: pid_t) -> Int32 {
        var status: Int32 = 0
        while unsafe waitpid(process, &status, 0) < 0 {
            guard errno == EINTR else { return -1000 }
        }
        return status & 0x7F == 0 ? (status >> 8) & 0xFF : -(status & 0x7F)
    }
}

/// A directory of the test's own, gone with the value.
final class Scratch {
    let directory: String
    private var names: Set<String> = []

    init() {
        var template = Array("/tmp/everycore-command-XXXXXX".utf8CString)
        let made = unsafe template.withUnsafeMutableBufferPointer { unsafe $0.baseAddress.flatMap { unsafe mkdtemp($0) } != nil }
        directory = made ? String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self) : "/nonexistent"
    }

    deinit {
        for name in names { unsafe unlink("\(directory)/\(name)") }
        unsafe rmdir(directory)
    }

    /// A file that the value removes in the end.
    func path(_ name: String) -> String {
        names.insert(name)
        return "\(directory)/\(name)"
    }

    @discardableResult
    func write(_ text: String, to name: String = "everycore.yaml") -> String { write(Array(text.utf8), to: name) }

    @discardableResult
    func write(_ bytes: [UInt8], to name: String = "everycore.yaml") -> String {
        let descriptor = unsafe open(path(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { break }
            rest = rest.dropFirst(count)
        }
        close(descriptor)
        return path(name)
    }

    func read(_ name: String) -> String {
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
#endif
