// config/everycore.yaml is the documentation of the settings: it names all of them, with their defaults.

import Command
import Everycore
import Testing

@Suite struct DocumentedConfiguration {
    private let path = #filePath.split(separator: "/").dropLast(3).reduce("") { "\($0)/\($1)" } + "/config/everycore.yaml"

    @Test func itNamesEverySettingWithItsDefaultAndNothingElse() {
        let file = ConfigurationFile(path: path)
        #expect(file.problems == [])
        #expect(Set(file.entries.keys) == Set(Setting.all.map(\.key)))
        for setting in Setting.all {
            #expect(file.entries[setting.key]?.text == setting.text(in: ServerConfiguration()), "\(setting.key)")
        }
    }

    @Test func itFollowsTheTablesOrder() {
        let file = ConfigurationFile(path: path)
        let order = file.entries.sorted { $0.value.line < $1.value.line }.map(\.key)
        #expect(order == Setting.all.map(\.key))
    }

    @Test func loadingItGivesTheDefaults() throws {
        let loaded = try ConfigurationReader(options: [:], configPath: path, environment: [:]).read()
        #expect(loaded.configuration == ServerConfiguration())
        #expect(loaded.origins.count == Setting.all.count)
    }
}
