// Programs started as a shell would, each as the head of a process group of its own.

package import Glibc

package enum ChildProcess {
    package struct StartFailure: Error, CustomStringConvertible {
        package let description: String
    }

    /// Passed on to every program: where libraries and programs are, and what sanitizers are told.
    private static let passedOn = ["LD_LIBRARY_PATH", "PATH", "ASAN_OPTIONS", "TSAN_OPTIONS"]

    /// - Parameters:
    ///   - words: the program, a path or a name that is looked for on the PATH, and its arguments.
    ///   - inheriting: descriptors that the program finds from 3 on.
    package static func start(
        _ words: [String], environment: [String: String], output: Int32, error: Int32, inheriting: [Int32] = []
    ) throws -> pid_t {
        var variables = environment
        for name in passedOn where variables[name] == nil {
            if let value = unsafe getenv(name) { variables[name] = unsafe String(cString: value) }
        }
        // Out of the way of the numbers that they are to have.
        let inherited = inheriting.map { fcntl($0, F_DUPFD_CLOEXEC, 200) }
        defer { for descriptor in inherited { close(descriptor) } }
        var argv = unsafe words.map { unsafe strdup($0) } + [nil]
        var envp = unsafe variables.map { unsafe strdup("\($0.key)=\($0.value)") } + [nil]
        defer { unsafe (argv + envp).forEach { unsafe free($0) } }
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        unsafe posix_spawn_file_actions_adddup2(&actions, output, 1)
        unsafe posix_spawn_file_actions_adddup2(&actions, error, 2)
        for (index, descriptor) in inherited.enumerated() {
            unsafe posix_spawn_file_actions_adddup2(&actions, descriptor, Int32(3 + index))
        }
        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        // The test runner's threads may have signals blocked.
        var none = sigset_t()
        unsafe sigemptyset(&none)
        unsafe posix_spawnattr_setsigmask(&attributes, &none)
        unsafe posix_spawnattr_setpgroup(&attributes, 0)
        unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK))
        var pid = pid_t()
        let result = unsafe posix_spawnp(&pid, words.first ?? "", &actions, &attributes, &argv, &envp)
        guard result == 0 else {
            throw StartFailure(description: "\(words.first ?? "nothing") can't be started: \(unsafe String(cString: strerror(result)))")
        }
        return pid
    }

    /// The exit status, or the negative number of the signal that ended the process.
    package static func status(_ code: Int32) -> Int32 { code & 0x7F == 0 ? (code >> 8) & 0xFF : -(code & 0x7F) }
}
