// Where a server listens: several addresses, both families of IP, Unix sockets.

import Glibc
import TestSupport
import Testing

extension ProcessTests {
    @Suite struct Listening {
        private func path(_ name: String) -> String { "/tmp/everycore-\(name)-\(getpid()).socket" }

        /// The addresses of the banner.
        private func addresses(_ program: Running) throws -> [String] {
            try #require(program.prints("  admin  "), "\(program.output)\(program.error)")
            let line = try #require(program.output.split(separator: "\n").first { $0.contains("listening") })
            return line.split(separator: " ").dropFirst().map { $0.last == "," ? String($0.dropLast()) : String($0) }
        }

        private func answer(_ endpoint: Endpoint) throws -> Reply {
            let connection = try Connection(endpoint)
            connection.request("GET", "/plaintext", headers: "Connection: close\r\n")
            return try connection.reply()
        }

        @Test func happensOnEveryAddressOfTheList() throws {
            let path = path("listen")
            let program = try Running(
                "everycore",
                ["--listen", "127.0.0.1:0", "--listen", "[::1]:0 \(path)", "--admin", "off", "--workers", "2"])
            let found = try addresses(program)
            try #require(found.count == 3)
            let ports = found.compactMap { $0.split(separator: ":").last.flatMap { UInt16($0) } }
            try #require(ports.count == 2 && !ports.contains(0))
            #expect(found[2] == "unix:\(path)")
            for endpoint in [Endpoint.ipv4(ports[0]), .ipv6(ports[1]), .unix(path)] {
                for _ in 0..<10 { #expect(try answer(endpoint).body == "Hello, World!") }
            }
            program.signal(SIGTERM)
            #expect(program.wait(within: .seconds(5)) == 0)
            #expect(program.output.contains("30 accepted"))
            #expect(unsafe access(path, F_OK) != 0)
        }

        @Test func onAllOfIPv6TakesIPv4TooUnlessThatHasAnAddressOfItsOwn() throws {
            let both = try Running("everycore", ["--listen", "[::]:0", "--admin", "off", "--workers", "2"])
            let port = try #require(try addresses(both).first?.split(separator: ":").last.flatMap { UInt16($0) })
            #expect(try answer(.ipv4(port)).status == 200)
            #expect(try answer(.ipv6(port)).status == 200)
            both.signal(SIGTERM)
            #expect(both.wait(within: .seconds(5)) == 0)
            // The port is free now, and both families want it.
            let apart = try Running(
                "everycore", ["--listen", "0.0.0.0:\(port) [::]:\(port)", "--admin", "off", "--workers", "2"])
            #expect(try addresses(apart) == ["http://0.0.0.0:\(port)", "http://[::]:\(port)"])
            #expect(try answer(.ipv4(port)).status == 200)
            #expect(try answer(.ipv6(port)).status == 200)
            apart.signal(SIGTERM)
            #expect(apart.wait(within: .seconds(5)) == 0)
        }

        @Test func onAUnixSocketAnswersCurlAndHasThePermissionsOfTheSetting() throws {
            for (mode, expected) in [(nil, UInt32(0o660)), ("0606", 0o606)] {
                let path = path("mode")
                let program = try Running(
                    "everycore", ["--listen", path, "--admin", "off", "--workers", "2"],
                    environment: mode.map { ["EVERYCORE_LISTEN_MODE": $0] } ?? [:])
                #expect(try addresses(program) == ["unix:\(path)"])
                var status = stat()
                try #require(unsafe stat(path, &status) == 0)
                #expect(status.st_mode & 0o777 == expected)
                let curl = try Running(command: ["curl", "-sS", "--unix-socket", path, "http://any/plaintext"])
                #expect(curl.wait(within: .seconds(5)) == 0)
                #expect(curl.output == "Hello, World!")
                program.signal(SIGTERM)
                #expect(program.wait(within: .seconds(5)) == 0)
            }
        }

        @Test func leavesTheUnixSocketOfTheNextServerAlone() throws {
            let path = path("next")
            let first = try Running("everycore", ["--listen", path, "--admin", "off", "--workers", "2"])
            _ = try addresses(first)
            let connection = try Connection(.unix(path))
            connection.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n")
            for _ in 0..<4 { #expect(try answer(.unix(path)).status == 200) }
            first.signal(SIGTERM)
            #expect(first.becomesTrue(within: .seconds(1)) { unsafe access(path, F_OK) != 0 })
            let second = try Running("everycore", ["--listen", path, "--admin", "off", "--workers", "2"])
            _ = try addresses(second)
            connection.send("hello")
            #expect(try connection.reply().status == 200)
            connection.leave()
            #expect(first.wait(within: .seconds(5)) == 0)
            #expect(try answer(.unix(path)).status == 200)
            second.signal(SIGTERM)
            #expect(second.wait(within: .seconds(5)) == 0)
        }

        @Test func isRefusedWhereASecondServerHasTheUnixSocket() throws {
            let path = path("twice")
            let first = try Running("everycore", ["--listen", path, "--admin", "off", "--workers", "1"])
            _ = try addresses(first)
            let second = try Running("everycore", ["--listen", path, "--admin", "off", "--workers", "1"])
            #expect(second.wait(within: .seconds(5)) == 69)
            #expect(second.error.contains(path))
            #expect(try answer(.unix(path)).status == 200)
            first.signal(SIGTERM)
            #expect(first.wait(within: .seconds(5)) == 0)
        }
    }
}
