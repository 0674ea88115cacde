// What a user sees of a server that starts, and what it answers.

import Cluster
import Glibc
import TestSupport
import Testing

extension ProcessTests {
    @Suite struct AStartedServer {
        @Test func answersEveryBuiltInRoute() throws {
            let server = try TestedServer.everycore()
            let client = try server.connect()
            func ask(_ target: String, by method: String = "GET", headers: String = "", body: String = "") throws -> Reply {
                client.request(method, target, headers: headers, body: body)
                return try client.reply(toHead: method == "HEAD")
            }
            let page = try ask("/")
            #expect(page.status == 200)
            #expect(page["content-type"]?.hasPrefix("text/html") == true)
            #expect(page.body.contains("Everycore"))
            let plain = try ask("/plaintext")
            #expect(plain.body == "Hello, World!")
            #expect(plain["content-type"]?.hasPrefix("text/plain") == true)
            #expect(plain["date"] != nil)
            let json = try ask("/json")
            #expect(json.body == #"{"message":"Hello, World!"}"#)
            #expect(json["content-type"]?.hasPrefix("application/json") == true)
            let who = try ask("/whoami").identity()
            #expect((0...1).contains(who.worker))
            #expect(who.generation == 1)
            #expect(server.workers.contains(who.pid))
            let echo = try ask("/echo", by: "POST", headers: "Content-Type: text/x-test\r\n", body: "what came")
            #expect(echo.body == "what came")
            #expect(echo["content-type"] == "text/x-test")
            let began = ContinuousClock.now
            #expect(try ask("/sleep?ms=50").status == 200)
            #expect(ContinuousClock.now - began >= .milliseconds(50))
            #expect(try ask("/work?ms=5").status == 200)
            #expect(try ask("/health").status == 200)
            #expect(try ask("/ready").status == 200)
            #expect(try ask("/plaintext", by: "HEAD")["content-length"] == "13")
            #expect(try ask("/nowhere").status == 404)
            let refused = try ask("/plaintext", by: "DELETE")
            #expect(refused.status == 405)
            #expect(refused["allow"]?.contains("GET") == true)
            #expect(try ask("/sleep?ms=soon").status == 400)
            client.leave()
            #expect(server.stop() == 0)
        }

        /// A socket with the number of standard output or standard error would get what is printed and logged.
        @Test func givesNoSocketTheNumberOfAClosedStandardStream() throws {
            let shell = ["sh", "-c", "exec \"$@\" <&- 2>&-", "sh"]
            let server = try TestedServer.everycore(wrapper: shell)
            for process in [server.master] + server.workers {
                for number in [0, 2] { #expect(ProcessTable.file(number, of: process) == "/dev/null") }
            }
            #expect(server.stop() == 0)
        }

        @Test func servesOnWhenItsLogHasTheLargestSizeThatItMayHave() throws {
            let log = "/tmp/everycore-log-\(getpid())"
            defer { unsafe unlink(log) }
            let shell = ["sh", "-c", "ulimit -f 0; exec \"$@\" 2>\(log)", "sh"]
            let server = try TestedServer.everycore(wrapper: shell)
            kill(server.workers[0], SIGKILL)
            #expect(server.program.becomesTrue(within: .seconds(5)) { server.workers.count == 2 })
            #expect(try server.get("/health").status == 200)
            #expect(server.stop() == 0)
        }

        @Test func saysWhereItListensHowManyWorkersAndWhy() throws {
            let server = try TestedServer.everycore()
            guard case .ipv4(let port) = server.endpoint, case .ipv4(let adminPort)? = server.admin else {
                return #expect(Bool(false), "\(server.program.output)")
            }
            #expect(server.program.output.contains("listening  http://0.0.0.0:\(port)\n"))
            #expect(server.program.output.contains("workers    2 (2 as configured)\n"))
            #expect(server.program.output.contains("admin      http://127.0.0.1:\(adminPort)\n"))
            #expect(server.stop() == 0)
        }

        @Test func hasAsManyWorkersAsTheAffinityMaskAllowsAndSaysSo() throws {
            let server = try TestedServer.everycore(workers: nil, wrapper: ["taskset", "-c", "0"])
            #expect(server.workers.count == 1)
            let line = server.program.output.split(separator: "\n").first { $0.contains("workers") } ?? ""
            #expect(line.contains("workers    1 ("))
            #expect(line.contains("affinity"))
            #expect(server.stop() == 0)
        }

        @Test func runsEveryProcessWithOneThreadAlsoAfterAsyncRequests() throws {
            let server = try TestedServer.harmful()
            for slot in 0...1 {
                let (client, _) = try server.connect(toSlot: slot)
                for target in ["/plaintext", "/sleep?ms=1", "/tasks", "/throws-async"] {
                    client.request("GET", target)
                    _ = try client.reply()
                }
            }
            _ = try server.stats()
            #expect(ProcessTable.threadCount(of: server.program.pid) == 1)
            let children = ProcessTable.children(of: server.program.pid)
            #expect(children.count == 3)
            #expect(children.allSatisfy { ProcessTable.threadCount(of: $0) == 1 })
            #expect(server.stop() == 0)
        }

        @Test func servesItsAdminPagesOnAUnixSocketAndRemovesItAtTheEnd() throws {
            let path = "/tmp/everycore-admin-\(getpid()).socket"
            let server = try TestedServer.everycore(admin: path)
            #expect(server.admin == .unix(path))
            #expect(try server.stats().server.workers_wanted == 2)
            #expect(try server.getAdmin("/metrics").body.contains("# TYPE"))
            #expect(server.stop() == 0)
            #expect(unsafe access(path, F_OK) != 0)
        }

        @Test func takesOverTheSocketThatAKilledServerLeftBehind() throws {
            let path = "/tmp/everycore-left-\(getpid()).socket"
            let first = try TestedServer.everycore(admin: path)
            first.program.signal(SIGKILL)
            _ = first.program.wait(within: .seconds(2))
            #expect(unsafe access(path, F_OK) == 0)
            #expect(first.program.becomesTrue(within: .seconds(1)) { first.program.members.isEmpty })
            let second = try TestedServer.everycore(admin: path)
            #expect(try second.stats().server.workers_wanted == 2)
            #expect(second.stop() == 0)
        }

        @Test func doesWithoutAnAdminProcess() throws {
            let server = try TestedServer.everycore(admin: "off")
            #expect(server.admin == nil)
            #expect(server.program.output.contains("admin      off\n"))
            #expect(ProcessTable.children(of: server.program.pid).count == 2)
            #expect(server.stop() == 0)
        }

        @Test func listensOnIPv6() throws {
            let server = try TestedServer.everycore("--host", "::1", admin: "[::1]:0")
            guard case .ipv6 = server.endpoint, case .ipv6? = server.admin else {
                return #expect(Bool(false), "\(server.program.output)")
            }
            #expect(try server.get("/plaintext").body == "Hello, World!")
            #expect(try server.stats().total.requests >= 2)
            #expect(server.stop() == 0)
        }

        @Test func runsEightWorkersAndLeavesNone() throws {
            let server = try TestedServer.everycore(workers: 8)
            try server.awaitReady(8)
            let children = ProcessTable.children(of: server.program.pid)
            #expect(children.count == 9)
            var seen: Set<Int> = []
            for _ in 0..<400 where seen.count < 8 { seen.insert(try server.get("/whoami").identity().worker) }
            #expect(seen == Set(0..<8))
            #expect(server.stop() == 0)
            #expect(children.allSatisfy { ProcessTable.state(of: $0) == nil })
        }
    }
}
