// Addresses, permissions, accounts: how they are written, and which don't go together.

#if Command
import EverycoreCommandLine
import Everycore
import Testing
import TestSupport

@Suite struct ListenSettings {
    private func read(_ options: [String: String], _ environment: [String: String] = [:], yaml: String? = nil) throws -> ServerConfiguration {
        let scratch = ScratchDirectory()
        let path = yaml.map { scratch.write($0) }
        return try ConfigurationReader(options: options, configPath: path, environment: environment).read().configuration
    }

    private func refusal(_ options: [String: String], _ environment: [String: String] = [:], yaml: String? = nil) -> [String] {
        do {
            _ = try read(options, environment, yaml: yaml)
            return []
        } catch {
            return (error as? ConfigurationErrors)?.lines ?? ["\(error)"]
        }
    }

    @Test func addressesAreReadAsTheyAreWritten() {
        let format = ValueFormat<[ListenAddress]>.addresses
        let text = "0.0.0.0:8080 [::]:8080 /run/everycore.sock ./e.sock"
        let expected: [ListenAddress] = [
            .tcp(host: "0.0.0.0", port: 8080), .tcp(host: "::", port: 8080), .unix(path: "/run/everycore.sock"), .unix(path: "./e.sock"),
        ]
        #expect(format.parse(text) == expected)
        #expect(format.render(expected) == text)
        #expect(format.parse("localhost:80") == [.tcp(host: "127.0.0.1", port: 80)])
        #expect(format.parse("off") == [])
        #expect(format.render([]) == "off")
    }

    @Test(arguments: ["", " ", "8080", ":8080", "example.com:80", "::1:80", "[::1]", "1.2.3.4:65536", "1.2.3.4:80  1.2.3.4:81", "off off", "e.sock"])
    func otherTextIsNoAddress(_ text: String) {
        #expect(ValueFormat<[ListenAddress]>.addresses.parse(text) == nil)
    }

    @Test func listenTakesThePlaceOfHostAndPort() throws {
        let configuration = try read(["listen": "127.0.0.1:1 /run/e.sock"], yaml: "host: 10.0.0.1\nport: 9\n")
        #expect(configuration.listenAddresses == [.tcp(host: "127.0.0.1", port: 1), .unix(path: "/run/e.sock")])
        #expect(try read([:], yaml: "port: 9\nlisten: \"[::]:7\"\n").listenAddresses == [.tcp(host: "::", port: 7)])
        #expect(try read(["port": "3"]).listenAddresses == [.tcp(host: "0.0.0.0", port: 3)])
    }

    @Test func aStrongerPortThatWouldDoNothingIsRefused() {
        #expect(
            refusal(["port": "3"], ["EVERYCORE_LISTEN": "/run/e.sock"]) == [
                "--port: has no effect, because listen is set (environment EVERYCORE_LISTEN); give listen there, or turn it off"
            ])
        #expect(refusal([:], ["EVERYCORE_HOST": "::"], yaml: "listen: /run/e.sock\n").count == 1)
        #expect(
            refusal(["port": "3", "listen": "/run/e.sock"])
                == ["--port: has no effect beside --listen, whose addresses have their own: leave one of them out"])
        #expect(refusal(["host": "::1", "listen": "/run/e.sock"]).count == 1)
        #expect(refusal(["listen": "/run/e.sock"], ["EVERYCORE_PORT": "3"]) == [])
        #expect(refusal(["port": "3", "listen": "off"], yaml: "listen: /run/e.sock\n") == [])
    }

    @Test(arguments: [
        ("127.0.0.1:80 127.0.0.1:80", "listen: 127.0.0.1:80 is there twice"),
        ("/run/e.sock /run/e.sock", "listen: /run/e.sock is there twice"),
        ("127.0.0.1:80 0.0.0.0:80", "listen: 127.0.0.1:80 is part of 0.0.0.0:80: leave one of them out"),
        ("[::]:80 [::1]:80", "listen: [::1]:80 is part of [::]:80: leave one of them out"),
    ])
    func addressesThatCollideAreNamed(_ listen: String, _ problem: String) {
        var configuration = ServerConfiguration()
        configuration.listen = ValueFormat<[ListenAddress]>.addresses.parse(listen) ?? []
        #expect(configuration.problems().map(\.description) == [problem])
    }

    @Test func addressesThatGoTogetherHaveNoProblem() {
        var configuration = ServerConfiguration()
        for listen in ["0.0.0.0:80 [::]:80 0.0.0.0:81 /a /b", "127.0.0.1:0 127.0.0.1:0", "127.0.0.1:80 [::1]:80"] {
            configuration.listen = ValueFormat<[ListenAddress]>.addresses.parse(listen) ?? []
            #expect(configuration.problems() == [], "\(listen)")
        }
        configuration.listen = [.unix(path: "/run/e.sock")]
        configuration.admin = .path("/run/e.sock")
        #expect(configuration.problems().map(\.key) == ["admin"])
        configuration.admin = .off
        configuration.control = .path("/run/e.sock")
        #expect(configuration.problems().map(\.description) == ["control: is /run/e.sock, where the service listens"])
        configuration.listen = []
        configuration.admin = .path("/run/e.sock")
        #expect(configuration.problems().map(\.description) == ["control: is /run/e.sock, where the admin pages are"])
    }

    @Test func onlyAnExplicitAdminAddressCollides() {
        var configuration = ServerConfiguration()
        configuration.port = 8081
        #expect(configuration.problems() == [])
        configuration.admin = .address(host: "127.0.0.1", port: 8081)
        #expect(configuration.problems().map(\.description) == ["admin: takes port 8081, which the service listens on"])
    }

    @Test func permissionsAreOctal() {
        let format = ValueFormat<Int>.mode
        for (text, mode) in [("0660", 0o660), ("666", 0o666), ("0000", 0)] { #expect(format.parse(text) == mode) }
        for text in ["", "66", "0o660", "0888", "1777", "00660", "rw-rw----"] { #expect(format.parse(text) == nil) }
        #expect(format.render(0o600) == "0600")
        #expect(format.render(0) == "0000")
    }

    @Test func anUnknownAccountIsRefusedWithItsPlace() {
        #expect(refusal([:], yaml: "user: no-such-user\n").first?.hasSuffix(":1: user: there is no user no-such-user on this machine") == true)
        #expect(refusal([:], ["EVERYCORE_GROUP": "a:b"]).first?.contains("is not the name or number of a group") == true)
    }
}
#endif
