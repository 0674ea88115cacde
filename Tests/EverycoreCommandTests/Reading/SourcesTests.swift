// Where values come from, which source wins, and what is wrong with each.

#if Command
import EverycoreCommandLine
import Everycore
import Glibc
import Testing
import TestSupport

private func load(
    _ yaml: String? = nil, options: [String: String] = [:], environment: [String: String] = [:]
) throws -> LoadedConfiguration {
    let scratch = ScratchDirectory()
    let path = yaml.map { scratch.write($0) }
    return try ConfigurationReader(options: options, configPath: path, environment: environment).read()
}

/// The lines that refuse a file, without its directory.
private func refusal(_ yaml: String, environment: [String: String] = [:]) -> [String] { refusal(Array(yaml.utf8), environment: environment) }

private func refusal(_ bytes: [UInt8], environment: [String: String] = [:]) -> [String] {
    let scratch = ScratchDirectory()
    let path = scratch.write(bytes)
    do {
        _ = try ConfigurationReader(options: [:], configPath: path, environment: environment).read()
        return []
    } catch {
        return error.lines.map { $0.hasPrefix(path) ? "file" + $0.dropFirst(path.count) : $0 }
    }
}

@Suite struct Precedence {
    @Test func anOptionWinsOverTheEnvironmentOverTheFileOverTheDefault() throws {
        let file = "host: 10.0.0.1\nport: 1\nworkers: 1\n"
        let loaded = try load(file, options: ["port": "3"], environment: ["EVERYCORE_PORT": "2", "EVERYCORE_WORKERS": "2"])
        #expect(loaded.configuration.port == 3)
        #expect(loaded.configuration.workers == .count(2))
        #expect(loaded.configuration.host == "10.0.0.1")
        #expect(loaded.configuration.admin == .automatic)
        #expect(loaded.origins["port"] == .option("port"))
        #expect(loaded.origins["workers"] == .environment("EVERYCORE_WORKERS"))
        #expect(loaded.origins["host"]?.note.hasSuffix("everycore.yaml:1") == true)
        #expect(loaded.origins["admin"] == nil)
    }

    @Test func boundsOfTheWorkersAreAGroupInAFileAndOneWordElsewhere() throws {
        for yaml in ["workers: {min: 2, max: 16}\n", "workers:\n  max: 16\n  min: 2\n", "workers: 2..16\n"] {
            #expect(try load(yaml).configuration.workers == .range(2...16))
        }
        let loaded = try load(options: ["workers": "1..3"])
        #expect(loaded.configuration.workers == .range(1...3))
        #expect(try load(effectiveConfiguration(loaded)).configuration == loaded.configuration)
        for yaml in ["workers: {min: 2}", "workers: {min: 2, max: 3, least: 1}", "workers: [1, 2]"] {
            #expect(refusal(yaml).count == 1)
            #expect(refusal(yaml).first?.hasPrefix("file:1: workers: a") == true)
        }
        #expect(refusal("workers: {min: 2}").first?.hasSuffix("both min and max, such as {min: 2, max: 16}: max is missing") == true)
        #expect(refusal("workers: {min: 2, max: 3, least: 1}").first?.hasSuffix(": least is none of its members") == true)
        #expect(refusal("workers: {min: 5, max: 2}").first?.hasPrefix("file:1: workers: \"5..2\" is not auto or") == true)
    }

    @Test func aSettingInAGroupHasItsVariable() throws {
        let loaded = try load("timeouts:\n  idle: 5s\n  header: 2s\n", environment: ["EVERYCORE_TIMEOUTS_IDLE": "250ms"])
        #expect(loaded.configuration.timeouts.idle == .milliseconds(250))
        #expect(loaded.configuration.timeouts.header == .seconds(2))
    }

    @Test func theFileMayBeNamedByAVariableAndTheOptionWins() throws {
        let scratch = ScratchDirectory()
        let named = scratch.write("port: 1\n", to: "a.yaml"), given = scratch.write("port: 2\n", to: "b.yaml")
        let environment = [configurationFileVariable: named]
        #expect(try ConfigurationReader(options: [:], configPath: nil, environment: environment).read().configuration.port == 1)
        #expect(try ConfigurationReader(options: [:], configPath: given, environment: environment).read().configuration.port == 2)
    }

    @Test func withoutSourcesTheDefaultsHold() throws {
        #expect(try load().configuration == ServerConfiguration())
    }

    @Test(arguments: ["", "\n", "# nothing\n", "---\n", "~\n", "{}\n", "limits:\n", "\u{FEFF}"])
    func aFileThatSaysNothingChangesNothing(_ yaml: String) throws {
        #expect(try load(yaml).configuration == ServerConfiguration())
    }

    @Test(arguments: Setting.all.map(\.key))
    func whatCheckPrintsGivesTheSameConfigurationAgain(_ key: String) throws {
        let setting = try #require(Setting.all.first { $0.key == key })
        let candidates = [
            "off", "json", "true", "false", "127.0.0.9", "[::1]:9", "3000", "90s", "/tmp", "512", "16k", "200ms", "*.js no-cache; /a/* max-age=5, public",
            "gzip", "a=b/c;d=e", "7", "cores", "root", "300%",
        ]
        let value = candidates.first { text in
            var configuration = ServerConfiguration()
            return setting.apply(text, to: &configuration) == nil && configuration != ServerConfiguration() && configuration.problems().isEmpty
        }
        let loaded = try load(environment: [setting.environmentName: #require(value)])
        #expect(loaded.configuration != ServerConfiguration())
        #expect(try load(effectiveConfiguration(loaded)).configuration == loaded.configuration)
    }
}

@Suite struct OddPaths {
    @Test(arguments: ["a b", "a\"b\\", "a: #b", "a\nb", "ä", "null", "- a", "\u{85}"])
    func aPathSurvivesCheckWhateverItIsMadeOf(_ name: String) throws {
        let scratch = ScratchDirectory()
        let directory = scratch.path(name)
        try #require(unsafe mkdir(directory, 0o700) == 0)
        defer { unsafe rmdir(directory) }
        for root in [directory, "\(scratch.directory)/./\(name)"] {
            let loaded = try load(environment: ["EVERYCORE_ROOT": root])
            #expect(loaded.configuration.root == root)
            #expect(try load(effectiveConfiguration(loaded)).configuration == loaded.configuration)
        }
    }
}

@Suite struct Refusals {
    @Test(arguments: ["", "limits:\n"])
    func aFileWithTooManyMistakesIsNotLookedAtToItsEnd(_ group: String) {
        let lines = refusal(group + (0..<2000).map { "  key\($0): 1\n" }.joined())
        #expect(lines.count == 101)
        #expect(lines.last == "file: the rest is not looked at")
    }

    @Test func everyErrorIsListedWithFileLineKeyAndReason() {
        let lines = refusal("prot: 80\nport: 70000\nlimits:\n  bdoy: 1m\n  field_count: \"9\"\n", environment: ["EVERYCORE_QUIET": "maybe"])
        #expect(
            lines == [
                "file:1: prot: unknown key; did you mean port?",
                "file:2: port: \"70000\" is not a whole number from 0 to 65535",
                "file:4: limits.bdoy: unknown key; did you mean limits.body?",
                "file:5: limits.field_count: text in quotes is not a whole number from 8 to 10000",
                "environment: EVERYCORE_QUIET: \"maybe\" is not true or false",
            ])
    }

    @Test(arguments: [
        ("port: [1]", "file:1: port: a list is not a whole number from 0 to 65535"),
        ("port: {a: 1}", "file:1: port: a group is not a whole number from 0 to 65535"),
        ("port:", "file:1: port: has no value; it takes a whole number from 0 to 65535"),
        ("quiet: yes", "file:1: quiet: \"yes\" is not true or false"),
        ("limits: 5", "file:1: limits: is a group: its settings stand below it, indented"),
        ("limits.body: 5", "file:1: limits.body: is written in two lines, `limits:` and below it, indented, `body:`"),
        ("idle: 5s", "file:1: idle: unknown key; did you mean timeouts.idle?"),
        ("limts:\n  body: 1", "file:1: limts: unknown key; did you mean limits?"),
        ("zzzzzz: 5", "file:1: zzzzzz: unknown key"),
        ("\"a\\nb\": 5", "file:1: \"a\\nb\": unknown key"),
        ("? [a]\n: 5", "file:1: a list or a group can't be a key"),
        ("- a", "file:1: must consist of `key: value` lines"),
        ("hello", "file:1: must consist of `key: value` lines"),
        ("port: 1\nport: 2", "file:2: port: is given more than once"),
        ("limits:\n  body: 1\n  body: 2", "file:3: limits.body: is given more than once"),
        ("port: 1\n---\nport: 2", "file:3: is not valid YAML: a second document begins"),
        ("a: b: c", "file:1: is not valid YAML: mapping values are not allowed in this context"),
        ("port: *none", "file:1: is not valid YAML: found undefined alias"),
        ("a: \u{1}", "file: is not valid YAML: control characters are not allowed"),
    ])
    func aFileIsRefusedWithItsReason(_ yaml: String, _ line: String) {
        #expect(refusal(yaml) == [line])
    }

    @Test func aFileThatIsNoUTF8IsRefused() {
        #expect(refusal([0x61, 0x3A, 0x20, 0xFF]) == ["file: is not UTF-8 text"])
    }

    @Test func aHugeFileIsRefused() {
        #expect(refusal([UInt8](repeating: 0x23, count: configurationFileLimit)) == [])
        #expect(refusal([UInt8](repeating: 0x23, count: configurationFileLimit + 1)) == ["file: is larger than 1048576 bytes"])
    }

    @Test(arguments: ["[", "{a: ", "- ", "? "])
    func aDeepFileIsRefused(_ opening: String) {
        let deep = String(repeating: opening, count: configurationFileLimit / opening.utf8.count)
        #expect(refusal(deep).count == 1)
        #expect(refusal(String(repeating: opening, count: 900) + "a: 1").count == 1)
    }

    @Test func aliasesThatGrowWithoutBoundAreRefusedAtOnce() {
        var yaml = "a0: &a0 [x]\n"
        for level in 1...60 { yaml += "a\(level): &a\(level) [*a\(level - 1), *a\(level - 1)]\n" }
        #expect(refusal(yaml).count == 61)
    }

    @Test func settingsThatContradictEachOtherAreRefusedWhereTheyAreGiven() {
        #expect(
            refusal("limits:\n  target: 8190\n") == [
                "file:2: limits.target: must be at least 16 bytes less than limits.request_line (8192)"
            ])
        #expect(
            refusal("limits:\n  request_line: 8000\n") == [
                "default: limits.target: must be at least 16 bytes less than limits.request_line (8000)"
            ])
    }

    @Test func aVariableThatNamesNoSettingIsRefused() {
        #expect(
            refusal("", environment: ["EVERYCORE_PROT": "1"]) == [
                "environment: EVERYCORE_PROT: names no setting; did you mean EVERYCORE_PORT?"
            ])
        #expect(
            refusal("", environment: ["EVERYCORE_SERVICE_HOST": "10.0.0.1"]).first?.hasSuffix(
                "(Kubernetes sets it for a service called everycore: set enableServiceLinks: false in the pod)") == true)
    }

    @Test func distanceCountsInsertionsDeletionsReplacementsAndSwaps() {
        for (left, right, expected) in [("", "", 0), ("", "abc", 3), ("port", "prot", 1), ("port", "ports", 1), ("host", "post", 1), ("ab", "xy", 2)] {
            #expect(distance(left, right) == expected)
        }
    }
}
#endif
