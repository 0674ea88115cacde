// config/everycore.yaml and the article on configuration name all settings, with their defaults.

#if Command
import EverycoreCommandLine
import Everycore
import Testing
import TestSupport

@Suite struct DocumentedConfiguration {
    private let path = Project.root + "/config/everycore.yaml"

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

    @Test func theArticleNamesEverySettingWithItsDefaultAndItsOption() throws {
        let article = try fileBytes(at: Project.root + "/Sources/Everycore/Everycore.docc/Configuration.md")
        let rows = String(decoding: article, as: UTF8.self).split(separator: "\n").filter { $0.hasPrefix("| `") }
        #expect(rows.count == Setting.all.count)
        for (row, setting) in zip(rows, Setting.all) {
            let option = setting.option.map { "`--\($0)`" } ?? ""
            #expect(row.hasPrefix("| `\(setting.key)` | `\(setting.text(in: ServerConfiguration()))` | \(option) | "), "\(row)")
        }
    }

    @Test func loadingItGivesTheDefaults() throws {
        let loaded = try ConfigurationReader(options: [:], configPath: path, environment: [:]).read()
        #expect(loaded.configuration == ServerConfiguration())
        #expect(loaded.origins.count == Setting.all.count)
    }
}
#endif
