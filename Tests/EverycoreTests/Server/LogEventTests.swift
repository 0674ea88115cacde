// The names of log lines: each line has one, and the article "Log lines" lists all of them and no others.

import Cluster
import Everycore
import Foundation
import Logging
import Synchronization
import TestSupport
import Testing

@Suite struct LogEvents {
    @Test func areThoseThatTheArticleLists() throws {
        let article = try String(contentsOfFile: "\(Project.root)/Sources/Cluster/Cluster.docc/LogLines.md", encoding: .utf8)
        let listed = article.matches(of: /(?m)^\| `(\w+)` \|/).map { String($0.1) }
        #expect(listed.count == Set(listed).count)
        // Written by the stream itself.
        let written = ClusterLogEvent.allCases.map(\.rawValue) + ServerLogEvent.allCases.map(\.rawValue) + ["log_lines_lost"]
        #expect(Set(listed).symmetricDifference(written).sorted() == [])
    }

    @Test func standBesideTheFieldsOfALine() {
        let log = CollectedLog()
        let logger = Logger(label: "test", factory: { _ in log })
        logger.log(.warning, event: "worker_died", "worker died", metadata: ["worker": "1"])
        logger.log(.info, event: "stopping", "stopping")
        #expect(log.fields.withLock { $0 } == [["event": "worker_died", "worker": "1"], ["event": "stopping"]])
    }
}

private final class CollectedLog: LogHandler {
    let fields = Mutex<[Logger.Metadata]>([])
    var logLevel: Logger.Level {
        get { .trace }
        set {}
    }
    var metadata: Logger.Metadata {
        get { [:] }
        set {}
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { nil }
        set {}
    }

    func log(event: LogEvent) {
        fields.withLock { $0.append(event.metadata ?? [:]) }
    }
}
