// Settings of the processes, as the cluster gets them.

import Cluster
import Everycore
import Testing

@Suite struct ClusterSettings {
    @Test func ofStuckAndRecycledWorkersReachTheCluster() throws {
        var configuration = ServerConfiguration()
        #expect(configuration.clusterOptions.stuckLimit == .seconds(60))
        #expect(configuration.clusterOptions.recycle == .init())
        for (key, value) in [
            ("stuck.limit", "off"), ("recycle.requests", "1000"), ("recycle.age", "24h"), ("recycle.memory", "1m 250%"), ("recycle.jitter", "50"),
        ] {
            #expect(try #require(Setting.all.first { $0.key == key }).apply(value, to: &configuration) == nil)
        }
        let options = configuration.clusterOptions
        #expect(options.stuckLimit == nil)
        #expect(options.recycle.requests == 1000 && options.recycle.age == .seconds(86400))
        #expect(options.recycle.residentBytes == 1 << 20 && options.recycle.medianFactor == 2.5 && options.recycle.jitter == 0.5)
    }
}
