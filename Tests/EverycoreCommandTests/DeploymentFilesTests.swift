// The files under config/ that describe how the server is run: they name settings that exist, and leave a stop the time that it takes.

#if Command
import EverycoreCommandLine
import Everycore
import Testing
import TestSupport

@Suite struct DeploymentFiles {
    private let folder = Project.root + "/config/"

    private func documents(_ name: String) throws -> [YAMLNode] { try YAMLDocument.all(in: fileBytes(at: folder + name)) }

    private func configuration(_ environment: [String: String]) throws -> ServerConfiguration {
        try ConfigurationReader(options: [:], configPath: folder + "everycore.yaml", environment: environment).read().configuration
    }

    /// Seconds from the order to go to the end of the last request.
    private func stopTime(_ configuration: ServerConfiguration) -> Int {
        Int((configuration.timeouts.lameDuck + configuration.timeouts.drain).components.seconds)
    }

    @Test func kubernetesGivesSettingsThatExistAndTimeToStop() throws {
        let documents = try documents("kubernetes.yaml")
        #expect(documents.compactMap { $0["kind"]?.text } == ["Deployment", "Service"])
        let pod = try #require(documents.first?["spec"]?["template"]?["spec"])
        let container = try #require(pod["containers"]?.items?.first)
        let variables = container["env"]?.items?.compactMap { entry -> (String, String)? in
            guard let name = entry["name"]?.text, let value = entry["value"]?.text else { return nil }
            return (name, value)
        }
        let configuration = try configuration(Dictionary(variables ?? []) { first, _ in first })
        #expect(configuration.timeouts.lameDuck > .zero)
        #expect(try #require(pod["terminationGracePeriodSeconds"]?.text.flatMap { Int($0) }) > stopTime(configuration))
        #expect(container["readinessProbe"]?["httpGet"]?["path"]?.text == "/ready")
        // A service's variables would be refused as unknown settings.
        #expect(pod["enableServiceLinks"]?.text == "false")
    }

    @Test func composeGivesSettingsThatExistAndTimeToStop() throws {
        let service = try #require(try documents("compose.yaml").first?["services"]?["everycore"])
        let variables = service["environment"]?.entries?.compactMap { name, value -> (String, String)? in
            guard let name = name.text, let value = value.text else { return nil }
            return (name, value)
        }
        let configuration = try configuration(Dictionary(variables ?? []) { first, _ in first })
        let grace = try #require(service["stop_grace_period"]?.text)
        #expect(try #require(Int(grace.dropLast())) > stopTime(configuration))
        #expect(grace.hasSuffix("s"))
    }

    @Test func theServiceGivesTimeToStop() throws {
        let lines = String(decoding: try fileBytes(at: folder + "everycore.service"), as: UTF8.self).split(separator: "\n")
        let time = try #require(lines.first { $0.hasPrefix("TimeoutStopSec=") }?.split(separator: "=").last.flatMap { Int($0) })
        #expect(time > stopTime(ServerConfiguration()))
        #expect(lines.contains("Type=notify"))
    }

    @Test func theServiceSurvivesTheOutOfMemoryKillerAndALateNetwork() throws {
        let lines = String(decoding: try fileBytes(at: folder + "everycore.service"), as: UTF8.self).split(separator: "\n")
        for line in ["OOMPolicy=continue", "StartLimitIntervalSec=0", "Restart=always", "RestartSec=2", "KillMode=mixed"] {
            #expect(lines.contains { $0 == line }, "\(line)")
        }
        // What can't get better isn't tried again; an address that isn't there yet is.
        let final = try #require(lines.first { $0.hasPrefix("RestartPreventExitStatus=") }?.split(separator: "=").last)
        #expect(final.split(separator: " ") == ["64", "78"])
    }
}
#endif
