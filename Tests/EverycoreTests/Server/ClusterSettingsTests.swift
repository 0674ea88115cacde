// Settings of the processes, as the cluster gets them.

import Cluster
import Everycore
import Testing

@Suite struct ClusterSettings {
    @Test func ofStuckAndRecycledWorkersReachTheCluster() throws {
        var configuration = ServerConfiguration()
        #expect(configuration.clusterOptions.stuckLimit == .seconds(30))
        #expect(configuration.clusterOptions.standInAfter == .seconds(2))
        #expect(configuration.clusterOptions.recycle == .init())
        for (key, value) in [
            ("stuck.limit", "off"), ("stuck.stand_in", "off"), ("recycle.requests", "1000"), ("recycle.age", "24h"), ("recycle.memory", "1m 250%"),
            ("recycle.jitter", "50"),
        ] {
            #expect(try #require(Setting.all.first { $0.key == key }).apply(value, to: &configuration) == nil)
        }
        let options = configuration.clusterOptions
        #expect(options.stuckLimit == nil && options.standInAfter == nil)
        #expect(options.recycle.requests == 1000 && options.recycle.age == .seconds(86400))
        #expect(options.recycle.residentBytes == 1 << 20 && options.recycle.medianFactor == 2.5 && options.recycle.jitter == 0.5)
    }

    @Test(arguments: [("10s", 30), ("90s", 90), ("off", 60)]) func theStuckLimitFollowsTheHandlersTimeout(_ handler: String, _ seconds: Int) throws {
        var configuration = ServerConfiguration()
        #expect(try #require(Setting.all.first { $0.key == "timeouts.handler" }).apply(handler, to: &configuration) == nil)
        #expect(configuration.clusterOptions.stuckLimit == .seconds(seconds))
        #expect(try #require(Setting.all.first { $0.key == "stuck.limit" }).apply("5m", to: &configuration) == nil)
        #expect(configuration.clusterOptions.stuckLimit == .seconds(300))
    }
}
