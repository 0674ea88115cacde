// What a service manager hears and hands over, as systemd would: a socket for news, and listeners.

import Glibc
import TestSupport
import Testing

extension ProcessTests {
    @Suite struct UnderAServiceManager {
        private func start(_ manager: NotifySocket, _ settings: [String: String] = [:], workers: Int = 2) throws -> TestedServer {
            try TestedServer.everycore(
                workers: workers, environment: settings.merging(["NOTIFY_SOCKET": manager.name]) { given, _ in given })
        }

        @Test(arguments: ["/tmp/everycore-notify-\(getpid()).socket", "@everycore-notify-\(getpid())"])
        func saysWhenAllWorkersAreReadyAndWhenItStops(_ name: String) throws {
            let manager = try NotifySocket(name)
            let server = try start(manager, workers: 3)
            let ready = try #require(manager.hears("READY=1"))
            #expect(ready.contains("MAINPID=\(server.program.pid)\n"))
            #expect(ready.contains("STATUS=3 of 3 workers ready, "))
            #expect(manager.heard.count == 1)
            server.program.signal(SIGTERM)
            let stopping = try #require(manager.hears("STOPPING=1"))
            // 30 s of drain and a little more.
            #expect(stopping.contains("EXTEND_TIMEOUT_USEC=35000000\n"))
            #expect(server.program.wait(within: .seconds(5)) == 0)
        }

        @Test func saysThatItReloadsAndThatItIsReadyAgain() throws {
            let manager = try NotifySocket("@everycore-reload-\(getpid())")
            let server = try start(manager)
            try #require(manager.hears("READY=1") != nil)
            manager.forget()
            server.program.signal(SIGHUP)
            let reloading = try #require(manager.hears("RELOADING=1"))
            #expect(reloading.contains("MONOTONIC_USEC="))
            #expect(manager.hears("READY=1", within: .seconds(8)) != nil)
            // Nothing else in between: the manager takes the first READY for the end.
            #expect(manager.heard.count { $0.contains("READY=1") } == 1)
            #expect(try server.get("/whoami").identity().generation == 2)
            #expect(server.stop() == 0)
        }

        @Test func isNotReadyBeforeItsLastWorkerIs() throws {
            let manager = try NotifySocket("@everycore-doomed-\(getpid())")
            let program = try Running("everycore-test-server", ["doomed=throw"], environment: ["NOTIFY_SOCKET": manager.name])
            #expect(program.wait(within: .seconds(5)) == 70)
            manager.receive()
            #expect(!manager.heard.contains { $0.contains("READY=1") })
            #expect(manager.hears("STOPPING=1") != nil)
        }

        @Test func givesASignOfLifeAtHalfTheTimeThatItHas() throws {
            let manager = try NotifySocket("@everycore-watchdog-\(getpid())")
            let server = try start(manager, ["WATCHDOG_USEC": "400000"])
            try #require(manager.hears("READY=1") != nil)
            let began = ContinuousClock.now
            manager.forget()
            for _ in 0..<3 {
                #expect(manager.hears("WATCHDOG=1", within: .milliseconds(390)) != nil)
                manager.forget()
            }
            #expect(ContinuousClock.now - began > .milliseconds(390))
            #expect(server.stop() == 0)
        }

        @Test func givesNoSignOfLifeThatIsAskedOfAnotherProcess() throws {
            let manager = try NotifySocket("@everycore-foreign-\(getpid())")
            let server = try start(manager, ["WATCHDOG_USEC": "20000", "WATCHDOG_PID": "1"])
            try #require(manager.hears("READY=1") != nil)
            #expect(manager.hears("WATCHDOG=1", within: .milliseconds(100)) == nil)
            #expect(server.stop() == 0)
        }

        @Test func isNotHeldUpByAManagerThatDoesNotReadAndTellsItLater() throws {
            let manager = try NotifySocket("@everycore-deaf-\(getpid())")
            manager.fill()
            let server = try start(manager)
            for _ in 0..<20 { #expect(try server.get("/plaintext").status == 200) }
            manager.receive()
            #expect(!manager.heard.contains { $0.contains("READY=1") })
            #expect(manager.hears("READY=1") != nil)
            manager.fill()
            #expect(server.stop() == 0)
        }

        @Test func keepsItsManagersVariablesFromItsWorkers() throws {
            let manager = try NotifySocket("@everycore-variables-\(getpid())")
            let arguments = ["port=0", "admin=127.0.0.1:0", "workers=1"]
            let environment = ["NOTIFY_SOCKET": manager.name, "WATCHDOG_USEC": "10000000", "LISTEN_FDS": "1", "LISTEN_PID": "1", "KEPT": "yes"]
            let server = try TestedServer(Running("everycore-test-server", arguments, environment: environment))
            let names = try server.get("/environment").body.split(separator: "\n").map(String.init)
            #expect(names.contains("KEPT"))
            #expect(Set(names).isDisjoint(with: ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"]))
            #expect(server.stop() == 0)
        }

        // MARK: Inherited sockets

        /// Starts the command with these listeners, as sd_listen_fds(3) has it.
        private func activate(_ listeners: [Int32], names: String? = nil, _ options: String...) throws -> Running {
            let names = names.map { "export LISTEN_FDNAMES=\($0); " } ?? ""
            return try Running(
                "everycore", options + ["--workers", "2"],
                wrapper: ["sh", "-c", "\(names)export LISTEN_FDS=\(listeners.count) LISTEN_PID=$$; exec \"$@\"", "sh"],
                inheriting: listeners)
        }

        private func answer(_ endpoint: Endpoint, _ target: String = "/plaintext") throws -> Reply {
            let connection = try Connection(endpoint)
            connection.request("GET", target, headers: "Connection: close\r\n")
            return try connection.reply()
        }

        @Test func servesOnTheSocketsThatItInherits() throws {
            let listener = try Endpoint.ipv4(0).listening(reusesPort: false)
            defer { close(listener) }
            let endpoint = Endpoint.ipv4(Endpoint.port(of: listener))
            // It waits in the queue from before the start.
            let early = try Connection(endpoint)
            early.request("GET", "/whoami")
            let program = try activate([listener], "--admin", "off")
            #expect(try early.reply().status == 200)
            early.leave()
            #expect(program.prints("listening  http://\(endpoint)\n"))
            #expect(program.logs("not_opened=0.0.0.0:8080"))
            #expect(program.becomesTrue(within: .seconds(5)) { ProcessTable.children(of: program.pid).count == 2 })
            for worker in ProcessTable.children(of: program.pid) { kill(worker, SIGKILL) }
            for _ in 0..<20 { #expect(try answer(endpoint).status == 200) }
            program.signal(SIGTERM)
            #expect(program.wait(within: .seconds(5)) == 0)
            // The manager still has the queue: who comes now waits for the next start.
            let late = try Connection(endpoint)
            late.request("GET", "/plaintext")
            let next = try activate([listener], "--admin", "off")
            #expect(try late.reply().body == "Hello, World!")
            late.leave()
            next.signal(SIGTERM)
            #expect(next.wait(within: .seconds(5)) == 0)
        }

        @Test func givesTheAdminPageTheSocketOfItsNameOrItsAddress() throws {
            let path = "/tmp/everycore-activated-\(getpid()).socket"
            defer { unsafe unlink(path) }
            let (service, admin) = (try Endpoint.unix(path).listening(reusesPort: false), try Endpoint.ipv4(0).listening(reusesPort: false))
            defer {
                close(service)
                close(admin)
            }
            let adminEndpoint = Endpoint.ipv4(Endpoint.port(of: admin))
            for (names, option) in [("web:admin", "127.0.0.1:1"), (nil, "\(adminEndpoint)")] {
                let program = try activate([service, admin], names: names, "--admin", option)
                #expect(program.prints("listening  unix:\(path)\n"))
                #expect(program.prints("admin      http://\(adminEndpoint)\n"))
                #expect(try answer(.unix(path)).body == "Hello, World!")
                #expect(try answer(adminEndpoint, "/stats").status == 200)
                program.signal(SIGTERM)
                #expect(program.wait(within: .seconds(5)) == 0)
                // It isn't the server's to remove.
                #expect(unsafe access(path, F_OK) == 0)
            }
        }

        @Test func refusesADescriptorThatIsNoListener() throws {
            let datagrams = socket(AF_INET, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
            let file = unsafe open("/dev/null", O_RDONLY | O_CLOEXEC)
            defer {
                close(datagrams)
                close(file)
            }
            for descriptor in [datagrams, file] {
                let program = try activate([descriptor], "--admin", "off")
                #expect(program.wait(within: .seconds(5)) == 78)
                #expect(program.error.contains("descriptor 3, which the service manager handed over"))
            }
        }

        @Test func leavesSocketsAloneThatAreMeantForAnotherProcess() throws {
            let listener = try Endpoint.ipv4(0).listening(reusesPort: false)
            defer { close(listener) }
            let program = try Running(
                "everycore", ["--port", "0", "--admin", "off", "--workers", "1"],
                environment: ["LISTEN_FDS": "1", "LISTEN_PID": "1"], inheriting: [listener])
            #expect(program.prints("listening  http://0.0.0.0:"))
            program.signal(SIGTERM)
            #expect(program.wait(within: .seconds(5)) == 0)
        }
    }
}
