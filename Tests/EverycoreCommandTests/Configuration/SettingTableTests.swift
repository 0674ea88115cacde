// What holds for every setting, and for the settings together.

#if Command
import Everycore
import Testing

@Suite struct SettingTable {
    @Test func keysAndVariablesAndOptionsAreUnique() {
        #expect(Set(Setting.all.map(\.key)).count == Setting.all.count)
        #expect(Set(Setting.all.map(\.environmentName)).count == Setting.all.count)
        let options = Setting.all.compactMap(\.option)
        #expect(Set(options).count == options.count)
    }

    @Test func noSettingHasTheNameOfAGroup() {
        let groups = Set(Setting.all.compactMap(\.group))
        #expect(Setting.all.allSatisfy { !groups.contains($0.key) })
    }

    @Test func theOptionsAreTheOnesThatScriptsRelyOn() {
        let names = [
            "host", "port", "listen", "workers", "root", "admin", "control", "report-interval", "log-format", "access-log", "access-log-format", "quiet",
            "slow-request",
        ]
        #expect(Setting.all.compactMap(\.option) == names)
    }

    @Test(arguments: Setting.all.map(\.key))
    func theDefaultIsAValueThatTheSettingTakes(_ key: String) throws {
        let setting = try #require(Setting.all.first { $0.key == key })
        var configuration = ServerConfiguration()
        #expect(setting.problem(in: configuration) == nil)
        #expect(setting.apply(setting.text(in: configuration), to: &configuration) == nil)
        #expect(configuration == ServerConfiguration())
    }

    @Test func theDefaultsHaveNoProblems() {
        #expect(ServerConfiguration().problems() == [])
    }

    @Test(arguments: Setting.all.map(\.key))
    func aRefusedValueLeavesTheConfigurationAlone(_ key: String) throws {
        let setting = try #require(Setting.all.first { $0.key == key })
        var configuration = ServerConfiguration()
        let reason = try #require(setting.apply("", to: &configuration))
        #expect(reason == "\"\" is not \(setting.expectation)")
        #expect(configuration == ServerConfiguration())
    }
}

@Suite struct Problems {
    @Test func everyValueOutOfRangeIsNamed() {
        var configuration = ServerConfiguration()
        configuration.host = "example.com"
        configuration.port = 65536
        configuration.workers = .count(0)
        configuration.limits.fieldCount = -1
        configuration.timeouts.handler = .zero
        #expect(configuration.problems().map(\.key) == ["host", "port", "workers", "limits.field_count", "timeouts.handler"])
        #expect(configuration.problems()[1].description == "port: \"65536\" is not a whole number from 0 to 65535")
    }

    @Test func limitsThatContradictEachOtherAreNamed() {
        var configuration = ServerConfiguration()
        configuration.limits.requestLine = 8000
        configuration.limits.headerSection = 4096
        configuration.respawn.delayFirst = .seconds(20)
        let keys = ["limits.target", "limits.field_line", "respawn.delay_first"]
        #expect(configuration.problems().map(\.key) == keys)
    }

    @Test func theAdminPageCannotTakeTheServicesPort() {
        var configuration = ServerConfiguration()
        configuration.admin = .address(host: "127.0.0.1", port: 8080)
        #expect(configuration.problems().map(\.key) == ["admin"])
        configuration.host = "127.0.0.2"
        #expect(configuration.problems() == [])
        configuration.host = "0.0.0.0"
        configuration.port = 0
        configuration.admin = .address(host: "127.0.0.1", port: 0)
        #expect(configuration.problems() == [])
    }

    @Test func theRootIsADirectory() {
        var configuration = ServerConfiguration()
        for (root, problems) in [("/", 0), (".", 0), ("/nonexistent", 1), ("/etc/passwd", 1), ("", 1)] {
            configuration.root = root
            #expect(configuration.problems().count == problems, "\(root)")
        }
    }
}
#endif
