// A program under test: started as a shell would, its output collected, its end awaited and, whatever happens, brought about.
//
// Each is the head of a process group of its own, so that what it leaves behind can be found, and ended without touching anything else.

import Glibc
import TestSupport
import Testing

final class Running {
    let pid: pid_t
    /// Everything that it has printed and logged up to now.
    var output: String {
        collect()
        return collectedOutput
    }
    var error: String {
        collect()
        return collectedError
    }
    private var collectedOutput = ""
    private var collectedError = ""
    /// The exit status, or the negative number of the signal that ended it; nil while it runs.
    private(set) var status: Int32?
    private var errorIsStuck: Bool
    private var outputIsStuck: Bool
    private var outputEnd: Int32
    private var errorEnd: Int32

    /// Any other program, found on the PATH.
    convenience init(command: [String]) throws { try self.init("", [], wrapper: command) }

    /// - Parameters:
    ///   - wrapper: what is to start the program, such as `["taskset", "-c", "0"]`.
    ///   - terminal: what standard output is, instead of a pipe.
    ///   - inheriting: descriptors that the program finds from 3 on.
    ///   - errorIsStuck: standard error is a pipe that is full and unread until `unstickError()`.
    ///   - outputIsStuck: the same of standard output, until `unstickOutput()`.
    init(
        _ program: String, _ arguments: [String], environment: [String: String] = [:], wrapper: [String] = [],
        inheriting: [Int32] = [], errorIsStuck: Bool = false, outputIsStuck: Bool = false, terminal: Terminal? = nil
    ) throws {
        // A process and a socket more than most tests count with.
        let environment = environment.merging(["EVERYCORE_CONTROL": "off"]) { given, _ in given }
        let words = wrapper + (program.isEmpty ? [] : [BuiltPrograms.path(of: program)]) + arguments
        let (output, error) = (try terminal?.ends() ?? Self.pipe(), try Self.pipe())
        defer {
            close(output.write)
            close(error.write)
        }
        if errorIsStuck { Self.fill(error.write) }
        self.errorIsStuck = errorIsStuck
        if outputIsStuck { Self.fill(output.write) }
        self.outputIsStuck = outputIsStuck
        pid = try ChildProcess.start(words, environment: environment, output: output.write, error: error.write, inheriting: inheriting)
        (outputEnd, errorEnd) = (output.read, error.read)
    }

    deinit { end() }

    /// Ends what still runs. Fails the test if the program has left processes behind after ending by itself.
    func end() {
        if status == nil {
            kill(-pid, SIGKILL)
            _ = wait(within: .seconds(5))
        } else {
            // A process that was just killed takes a moment to be gone.
            _ = becomesTrue(within: .seconds(3)) { members.isEmpty }
            let left = members
            #expect(left.isEmpty, "processes were left behind: \(left)")
            if !left.isEmpty { kill(-pid, SIGKILL) }
        }
        closeOutput()
        if errorEnd >= 0 { close(errorEnd) }
        errorEnd = -1
    }

    /// The reader of the program's standard output goes away.
    func closeOutput() {
        if outputEnd >= 0 { close(outputEnd) }
        outputEnd = -1
    }

    func signal(_ number: Int32) { kill(pid, number) }

    /// The processes of the program's group that are alive.
    var members: [pid_t] { ProcessTable.members(ofGroup: pid) }

    // MARK: Waiting

    /// Waits for the program's end. Its output is complete then, up to what the pipes held.
    @discardableResult
    func wait(within limit: Duration) -> Int32? {
        _ = becomesTrue(within: limit) {
            var code: Int32 = 0
            if status == nil, unsafe waitpid(pid, &code, WNOHANG) == pid {
                status = ChildProcess.status(code)
            }
            return status != nil
        }
        collect()
        return status
    }

    /// Waits for a text on standard output.
    func prints(_ text: String, within limit: Duration = .seconds(5)) -> Bool {
        becomesTrue(within: limit) { output.contains(text) }
    }

    /// Waits for a text on standard error.
    func logs(_ text: String, within limit: Duration = .seconds(5)) -> Bool {
        becomesTrue(within: limit) { error.contains(text) }
    }

    /// Looks again and again, collecting output meanwhile.
    func becomesTrue(within limit: Duration, _ condition: () -> Bool) -> Bool {
        let deadline = ContinuousClock.now + limit
        while true {
            collect()
            if condition() { return true }
            guard ContinuousClock.now < deadline else { return false }
            usleep(1000)
        }
    }

    /// For what needs time and no event, such as that nothing happens. Takes the output meanwhile: a full pipe would hold the program.
    func letTimePass(_ duration: Duration) { _ = becomesTrue(within: duration) { false } }

    /// Takes what the pipes hold, without waiting.
    func collect() {
        if !outputIsStuck { collectedOutput += Self.drain(outputEnd) }
        if !errorIsStuck { collectedError += Self.drain(errorEnd) }
    }

    /// The reader of the program's standard error comes back.
    func unstickError() {
        errorIsStuck = false
        collect()
    }

    func unstickOutput() {
        outputIsStuck = false
        collect()
    }

    private static func drain(_ descriptor: Int32) -> String {
        guard descriptor >= 0 else { return "" }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = unsafe chunk.withUnsafeMutableBytes { unsafe read(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
            // Zeros are what a pipe was filled with.
            bytes += chunk.prefix(count).filter { $0 != 0 }
        }
    }

    // MARK: Starting

    private static func pipe() throws -> (read: Int32, write: Int32) {
        var ends: [Int32] = [-1, -1]
        try #require(unsafe Glibc.pipe(&ends) == 0)
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        _ = fcntl(ends[0], F_SETFL, O_NONBLOCK)
        return (ends[0], ends[1])
    }

    private static func fill(_ descriptor: Int32) {
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
        var byte: UInt8 = 0
        while unsafe write(descriptor, &byte, 1) == 1 {}
        // The program shares the open file, and expects it to be as a shell would have made it.
        _ = fcntl(descriptor, F_SETFL, 0)
    }
}
