// Starts the built `everycore` as a shell would, with an environment of the test's choosing, and its output in files.

#if Command
import Glibc
import TestSupport

struct Program {
    let status: Int32
    let output: String
    let error: String

    /// Runs it to its end.
    static func run(_ arguments: String..., environment: [String: String] = [:]) -> Program {
        let scratch = ScratchDirectory()
        let process = start(arguments, environment: environment, output: scratch.path("out"), error: scratch.path("err"))
        return Program(status: wait(process), output: scratch.read("out"), error: scratch.read("err"))
    }

    static func start(_ arguments: [String], environment: [String: String], output: String, error: String) -> pid_t {
        let files = [output, error].map { (path: String) in unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600) }
        defer { for file in files { close(file) } }
        let words = [BuiltPrograms.path(of: "everycore")] + arguments
        return (try? ChildProcess.start(words, environment: environment, output: files[0], error: files[1])) ?? -1
    }

    /// The exit status, or the negative number of the signal that ended it.
    static func wait(_ process: pid_t) -> Int32 {
        var code: Int32 = 0
        while unsafe waitpid(process, &code, 0) < 0 {
            guard errno == EINTR else { return -1000 }
        }
        return ChildProcess.status(code)
    }
}
#endif
