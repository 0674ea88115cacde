// Starts the built `everycore` as a shell would, with an environment of the test's choosing.

#if Command
import Glibc
import TestSupport

struct Program {
    let status: Int32
    let output: String
    let error: String

    static let path = BuiltPrograms.path(of: "everycore")

    /// Runs it to its end.
    static func run(_ arguments: String..., environment: [String: String] = [:]) -> Program {
        let scratch = ScratchDirectory()
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
#endif
