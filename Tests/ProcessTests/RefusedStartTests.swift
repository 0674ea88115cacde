// Starts that fail: their exit statuses and messages.

import Glibc
import TestSupport
import Testing

extension ProcessTests {
    @Suite struct AStartThatCannotSucceed {
        @Test(arguments: [false, true])
        func namesThePortThatIsTaken(_ reusesPort: Bool) throws {
            let holder = try Endpoint.ipv4(0).listening(reusesPort: reusesPort)
            defer { close(holder) }
            let port = Endpoint.port(of: holder)
            for host in ["127.0.0.1", "0.0.0.0"] {
                let program = try Running("everycore", ["--host", host, "--port", "\(port)", "--admin", "off"])
                #expect(program.wait(within: .seconds(5)) == 69)
                let advice = "is taken by another program: stop it, or choose another port with --port"
                #expect(program.error == "\(host):\(port) \(advice)\n")
                #expect(!program.output.contains("listening"))
            }
        }

        @Test func namesTheAdminPortThatIsTaken() throws {
            let holder = try Endpoint.ipv4(0).listening(reusesPort: false)
            defer { close(holder) }
            let port = Endpoint.port(of: holder)
            for host in ["127.0.0.1", "localhost"] {
                let program = try Running("everycore", ["--port", "0", "--admin", "\(host):\(port)"])
                #expect(program.wait(within: .seconds(5)) == 69)
                let advice = "is taken by another program: stop it, or choose another address with --admin"
                #expect(program.error == "127.0.0.1:\(port) \(advice)\n")
            }
        }

        @Test(arguments: [
            (["--host", "192.0.2.1"], 1024, "; no interface of this machine has the address"),
            (["--listen", "/etc/passwd"], 1024, "; what is there is no socket: remove it or choose another path"),
            ([], 8, "; raise the limit of open files (ulimit -n, LimitNOFILE=)"),
        ])
        func saysWhatToDoAboutAnAddressThatCannotBeListenedOn(_ options: [String], openFiles: Int, advice: String) throws {
            let place = options.contains("--listen") ? [] : ["--port", "0"]
            let shell = ["sh", "-c", "ulimit -n \(openFiles); exec \"$@\"", "sh"]
            let program = try Running("everycore", options + place + ["--admin", "off"], wrapper: shell)
            #expect(program.wait(within: .seconds(5)) == 69)
            #expect(program.error.hasSuffix("\(advice)\n"))
        }

        @Test func refusesThePortOfAnotherServerOfItsKind() throws {
            let server = try TestedServer.everycore()
            guard case .ipv4(let port) = server.endpoint else { throw NoReply(reason: "no IPv4 address", partial: "") }
            let second = try Running("everycore", ["--port", "\(port)", "--admin", "off"])
            #expect(second.wait(within: .seconds(5)) == 69)
            #expect(try server.get("/health").status == 200)
            #expect(server.stop() == 0)
        }

        @Test func namesFileKeyAndReasonOfAWrongConfiguration() throws {
            let path = "/tmp/everycore-wrong-\(getpid()).yaml"
            let file = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
            let text = Array("port: 0\nworkers: many\nlimits:\n  boddy: 1m\n".utf8)
            _ = unsafe text.withUnsafeBytes { unsafe write(file, $0.baseAddress, $0.count) }
            close(file)
            defer { unsafe unlink(path) }
            let program = try Running("everycore", ["serve", "--config", path])
            #expect(program.wait(within: .seconds(5)) == 78)
            #expect(program.error.contains("\(path):2: workers: \"many\" is not auto or a whole number"))
            #expect(program.error.contains("\(path):4: limits.boddy: unknown key"))
            #expect(program.output == "")
        }

        @Test(arguments: [["--port", "70000"], ["--workers", "0"], ["--nonsense"]])
        func isWrongUseWithAnImpossibleOption(_ options: [String]) throws {
            let program = try Running("everycore", options)
            #expect(program.wait(within: .seconds(5)) == 64)
        }

        @Test(arguments: ["throw", "trap"])
        func endsWithStatus70WhenNoWorkerGetsThroughItsStart(_ way: String) throws {
            let program = try Running("everycore-test-server", ["doomed=\(way)"], environment: ["SWIFT_BACKTRACE": "enable=no"])
            let began = ContinuousClock.now
            #expect(program.wait(within: .seconds(5)) == 70)
            #expect(ContinuousClock.now - began >= .milliseconds(500))
            #expect(program.output.contains("no worker could be kept alive; the last ends:"))
            #expect(program.output.contains(way == "trap" ? ": SIGILL after " : ": status 1 after "))
        }
    }
}
