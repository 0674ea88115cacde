// Reads the configuration from its sources through swift-configuration: option over environment over file over default.
// Runs in the master, before the fork and again at a reload: synchronous, no thread started.
// Process: master · Thread: main, before the fork and at a reload

#if Command
import Configuration
package import Everycore
import Synchronization

/// A configuration and where each of its values comes from, by key.
package struct LoadedConfiguration: Sendable {
    package var configuration = ServerConfiguration()
    package var origins: [String: Origin] = [:]
}

package struct ConfigurationReader: Sendable {
    /// The values of options, by name without dashes.
    private let options: [String: String]
    private let environment: [String: String]
    private let filePath: String?

    package init(options: [String: String], configPath: String?, environment: [String: String]) {
        self.options = options
        self.environment = environment
        filePath = configPath ?? environment[configurationFileVariable]
    }

    init(options: ServeOptions) {
        self.init(options: options.given, configPath: options.config, environment: everycoreEnvironment())
    }

    /// Reads all sources, or says everything that is wrong with them.
    package func read() throws(ConfigurationErrors) -> LoadedConfiguration {
        let file = filePath.map(ConfigurationFile.init(path:))
        // A wrong value is wrong also where another source overrides it.
        var problems = (file?.problems ?? []) + EverycoreCommandLine.problems(in: environment) + optionProblems(in: options)
        guard problems.isEmpty else { throw ConfigurationErrors(lines: problems) }

        let loaded = merge([optionSource(), environmentSource(), file.map(fileSource)].compactMap { $0 })
        problems = loaded.configuration.problems().map { problem in
            let origin = loaded.origins[problem.key] ?? .standard
            return origin == .standard ? "default: \(problem)" : "\(origin): \(problem.reason)"
        }
        problems += ineffective(in: loaded)
        guard problems.isEmpty else { throw ConfigurationErrors(lines: problems) }
        return loaded
    }

    /// `listen` replaces `host` and `port`. One of these from a stronger source, or beside it on the command line, would be ignored: an error.
    private func ineffective(in loaded: LoadedConfiguration) -> [String] {
        guard !loaded.configuration.listen.isEmpty, let origin = loaded.origins["listen"] else { return [] }
        return ["host", "port"].compactMap { key in
            guard let other = loaded.origins[key] else { return nil }
            if origin == .option("listen"), other == .option(key) {
                return "--\(key): has no effect beside --listen, whose addresses have their own: leave one of them out"
            }
            guard other.strength > origin.strength else { return nil }
            return "\(other): has no effect, because listen is set (\(origin.note)); give listen there, or turn it off"
        }
    }

    /// Precedence is `ConfigReader`'s: the first provider that has a value wins.
    private func merge(_ sources: [Source]) -> LoadedConfiguration {
        let winners = Winners()
        let reader = ConfigReader(providers: sources.map(\.provider), accessReporter: winners)
        var loaded = LoadedConfiguration()
        for setting in Setting.all {
            let key = ConfigKey(setting.key)
            guard let text = reader.string(forKey: key) else { continue }
            _ = setting.apply(text, to: &loaded.configuration)
            if let winner = winners.last { loaded.origins[setting.key] = sources[winner].values[setting.key]?.origin }
        }
        return loaded
    }
}

extension ConfigurationReader {
    private struct Source {
        struct Value { let text: String, origin: Origin }

        let name: String
        let values: [String: Value]

        var provider: InMemoryProvider {
            let pairs = values.map { (AbsoluteConfigKey(ConfigKey($0.key)), ConfigValue(.string($0.value.text), isSecret: false)) }
            return InMemoryProvider(name: name, values: Dictionary(pairs) { first, _ in first })
        }
    }

    private func optionSource() -> Source {
        source("options") { setting in
            setting.option.flatMap { name in options[name].map { ($0, .option(name)) } }
        }
    }

    private func environmentSource() -> Source {
        source("environment") { setting in
            environment[setting.environmentName].map { ($0, .environment(setting.environmentName)) }
        }
    }

    private func fileSource(_ file: ConfigurationFile) -> Source {
        source("file") { setting in
            file.entries[setting.key].map { ($0.text, .file(path: filePath ?? "", line: $0.line, key: setting.key)) }
        }
    }

    private func source(_ name: String, _ value: (Setting) -> (String, Origin)?) -> Source {
        let pairs = Setting.all.compactMap { setting in value(setting).map { (setting.key, Source.Value(text: $0.0, origin: $0.1)) } }
        return Source(name: name, values: Dictionary(pairs) { first, _ in first })
    }
}

/// Remembers which provider gave the last value that was asked for: `ConfigReader` tells only its access reporter.
private final class Winners: AccessReporter {
    private let index = Mutex<Int?>(nil)

    /// The provider's place in the list of providers.
    var last: Int? { index.withLock { $0 } }

    func report(_ event: AccessEvent) {
        // Providers are asked in order until one has a value.
        index.withLock { $0 = event.providerResults.isEmpty ? nil : event.providerResults.count - 1 }
    }
}
#endif
