// The built program as scripts see it: exit status, standard output, standard error, threads.

#if Command
import EverycoreCommandLine
import Everycore
import Glibc
import Testing
import TestSupport

@Suite struct TheProgram {
    @Test func checkPrintsTheEffectiveConfigurationWithOrigins() {
        let scratch = ScratchDirectory()
        let file = scratch.write("workers: 3\n")
        let run = Program.run("check", "--config", file, "--port", "3000", environment: ["EVERYCORE_LIMITS_BODY": "2m"])
        #expect(run.status == 0)
        #expect(run.error == "")
        let lines = run.output.split(separator: "\n").map(String.init)
        #expect(lines.contains("port: 3000  # option --port"))
        #expect(lines.contains("workers: 3  # file \(file):1"))
        #expect(lines.contains("  body: 2m  # environment EVERYCORE_LIMITS_BODY"))
        #expect(lines.contains("log_format: text  # default"))
        #expect(lines.last == "# configuration ok")
    }

    @Test(arguments: ["check", "serve"])
    func aWrongConfigurationEndsWith78AndEveryReasonOnStandardError(_ subcommand: String) {
        let scratch = ScratchDirectory()
        let file = scratch.write("prot: 80\nquiet: 3\n")
        let run = Program.run(subcommand, "--config", file)
        #expect(run.status == 78)
        #expect(run.output == "")
        #expect(run.error == "\(file):1: prot: unknown key; did you mean port?\n\(file):2: quiet: \"3\" is not true or false\n")
    }

    @Test(arguments: [
        ("/nonexistent.yaml", "/nonexistent.yaml: can't be opened: No such file or directory\n"),
        ("/tmp", "/tmp: can't be read: Is a directory\n"), ("/dev/zero", "/dev/zero: is larger than 1048576 bytes\n"),
        ("", "\"\": is no file's name\n"),
    ])
    func aFileThatCannotBeReadEndsWith78(_ path: String, _ message: String) {
        let run = Program.run("check", "--config", path)
        #expect(run.status == 78)
        #expect(run.error == message)
    }

    @Test func aPipeIsReadOnceAndWithoutAWriterForAtMostFiveSeconds() throws {
        let scratch = ScratchDirectory()
        let pipe = scratch.path("pipe")
        try #require(unsafe mkfifo(pipe, 0o600) == 0)
        let end = unsafe open(pipe, O_RDWR | O_CLOEXEC)
        let text = Array("port: 3000\n".utf8)
        _ = unsafe text.withUnsafeBytes { unsafe write(end, $0.baseAddress, $0.count) }
        let (output, error) = (scratch.path("out"), scratch.path("err"))
        let process = Program.start(["check", "--config", pipe], environment: [:], output: output, error: error)
        // It has taken everything and waits for more; that was the last writer.
        var left: Int32 = -1
        while left != 0 { try #require(unsafe ioctl(end, UInt(FIONREAD), &left) == 0) }
        close(end)
        #expect(Program.wait(process) == 0)
        #expect(scratch.read("out").contains("port: 3000  # file \(pipe):1\n"))

        let began = ContinuousClock.now
        let silent = Program.run("check", "--config", pipe)
        #expect(silent.status == 78)
        #expect(silent.error == "\(pipe): is no file, and did not come to its end within 5 s\n")
        #expect(ContinuousClock.now - began < .seconds(15))
    }

    @Test func checkFailsWhenItsOutputCannotBeWritten() {
        let scratch = ScratchDirectory()
        let process = Program.start(["check"], environment: [:], output: "/dev/full", error: scratch.path("err"))
        #expect(Program.wait(process) == 70)
        #expect(scratch.read("err") == "standard output can't be written to: No space left on device\n")
    }

    @Test func aVariableThatNamesNoSettingEndsWith78() {
        let run = Program.run("check", environment: ["EVERYCORE_PROT": "80"])
        #expect(run.status == 78)
        #expect(run.error == "environment: EVERYCORE_PROT: names no setting; did you mean EVERYCORE_PORT?\n")
    }

    @Test(arguments: [
        ["--bogus"], ["check", "extra"], ["check", "--port"], ["check", "--port", "80a"], ["--workers", "0"], ["check", "--log-format", "xml"],
    ])
    func wrongUseEndsWith64(_ arguments: [String]) {
        let scratch = ScratchDirectory()
        let process = Program.start(arguments, environment: [:], output: scratch.path("out"), error: scratch.path("err"))
        #expect(Program.wait(process) == 64)
        #expect(scratch.read("err").contains("Usage: everycore"))
        #expect(scratch.read("out") == "")
    }

    @Test func everyWrongOptionIsNamed() {
        let run = Program.run("check", "--port", "80a", "--workers", "0")
        #expect(run.error.contains("--port: \"80a\" is not a whole number from 0 to 65535"))
        #expect(run.error.contains("--workers: \"0\" is not auto or a whole number from 1 to 1024"))
    }

    @Test func theVersionIsPrinted() {
        for run in [Program.run("--version"), Program.run("serve", "--version")] {
            #expect(run.status == 0)
            #expect(run.output == "\(Server.version)\n")
        }
    }

    @Test func helpNamesEveryOption() {
        let help = Program.run("serve", "--help").output
        for option in Setting.all.compactMap(\.option) + ["config", "version"] { #expect(help.contains("--\(option) "), "\(option)") }
    }

    /// The output is longer than the pipe that takes it: when its first bytes arrive, the configuration is read and the program waits
    /// inside write(2), where its threads can be counted.
    @Test func readingTheConfigurationStartsNoThread() throws {
        let scratch = ScratchDirectory()
        let documented = Project.root + "/config/everycore.yaml"
        let file = scratch.path(String(repeating: "x", count: 200) + ".yaml")
        try #require(unsafe symlink(documented, file) == 0)
        let pipe = scratch.path("pipe")
        try #require(unsafe mkfifo(pipe, 0o600) == 0)
        // Read and write, so that opening does not wait for another end.
        let end = unsafe open(pipe, O_RDWR | O_CLOEXEC)
        defer { close(end) }
        let setPipeSize: Int32 = 1031  // F_SETPIPE_SZ, which fcntl.h hides behind _GNU_SOURCE
        try #require(fcntl(end, setPipeSize, 4096) == 4096)

        let process = Program.start(["check", "--config", file], environment: ["EVERYCORE_PORT": "1"], output: pipe, error: scratch.path("err"))
        var interest = pollfd(fd: end, events: Int16(POLLIN), revents: 0)
        try #require(unsafe poll(&interest, 1, 20_000) == 1)
        #expect(threads(of: process) == 1)

        var bytes = [UInt8](repeating: 0, count: 4096), output: [UInt8] = []
        while !String(decoding: output.suffix(19), as: UTF8.self).hasSuffix("configuration ok\n") {
            let count = unsafe bytes.withUnsafeMutableBytes { unsafe read(end, $0.baseAddress, $0.count) }
            try #require(count > 0)
            output += bytes.prefix(count)
        }
        #expect(output.count > 4096)
        #expect(Program.wait(process) == 0)
    }

    private func threads(of process: pid_t) -> Int {
        guard let directory = unsafe opendir("/proc/\(process)/task") else { return -1 }
        defer { unsafe closedir(directory) }
        var count = -2  // . and ..
        while unsafe readdir(directory) != nil { count += 1 }
        return count
    }
}

@Suite struct ExitStatuses {
    @Test func anErrorHasTheStatusThatScriptsRelyOn() {
        #expect(exitStatus(for: ConfigurationErrors(lines: [])) == 78)
        #expect(exitStatus(for: ServerError.configuration([])) == 78)
        #expect(exitStatus(for: ServerError.addressTaken("0.0.0.0:80", setting: "port")) == 69)
        #expect(exitStatus(for: ServerError.cannotListen("")) == 69)
        #expect(exitStatus(for: ServerError.failed("")) == 70)
        #expect(exitStatus(for: CancellationError()) == 70)
    }
}
#endif
