// The pages that a process counts in, as the master reads them: also when they hold anything at all.

import EverycoreStatistics
import Glibc
import Synchronization
import Testing

@Suite struct MetricsRegionTests {
    /// Pages of this test's own, zeroed.
    private func withRegion(_ body: (MetricsRegion) throws -> Void) rethrows {
        let memory = unsafe mmap(nil, MetricsRegion.byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
        guard let memory = unsafe memory, unsafe memory != MAP_FAILED else {
            Issue.record("no memory")
            return
        }
        defer { unsafe munmap(memory, MetricsRegion.byteCount) }
        try unsafe body(MetricsRegion(at: memory))
    }

    private func begin(_ identity: MetricIdentity, at index: Int, in region: MetricsRegion) throws {
        region.begin(identity, name: try #require(identity.encoded()), at: index)
    }

    @Test func `a series is there with its name as soon as it is begun`() throws {
        let identity = MetricIdentity(.timer, "db.query", [.init("table", "users"), .init("host", "a")])
        try withRegion { region in
            #expect(region.used == 0)
            try begin(identity, at: 0, in: region)
            let place = region.place(0)
            #expect(region.used == 1 && place.state == .live && place.epoch == 1)
            #expect(region.identity(at: 0, place) == identity)
            #expect(region.value(at: 0, .timer) == .zero(.timer))
            unsafe region.histogram(0)[3].wrappingAdd(2, ordering: .relaxed)
            #expect(region.value(at: 0, .timer) == .timer(BucketCounts([.init(3, 2)]) ?? BucketCounts(), sum: 0, maximum: 0))
        }
    }

    @Test func `the same dimensions in another order are the same series`() {
        let one = MetricIdentity(.counter, "c", [.init("b", "2"), .init("a", "1")])
        #expect(one == MetricIdentity(.counter, "c", [.init("a", "1"), .init("b", "2")]))
        #expect(one.dimensions.map(\.name) == ["a", "b"])
    }

    @Test func `a name that is too long has no encoding`() {
        let long = String(repeating: "x", count: MetricIdentity.maximumByteCount - 2)
        #expect(MetricIdentity(.counter, long).encoded()?.count == MetricIdentity.maximumByteCount)
        #expect(MetricIdentity(.counter, long + "x").encoded() == nil)
    }

    @Test func `a destroyed series' place is another's only when its value has been taken`() throws {
        try withRegion { region in
            try begin(MetricIdentity(.counter, "a"), at: 0, in: region)
            unsafe region.scalar(0).pointee.wrappingAdd(5, ordering: .relaxed)
            region.destroy(0)
            #expect(region.place(0).state == .destroyed && region.destroyed == 1)
            #expect(region.revive(0))
            #expect(region.place(0).state == .live && region.value(at: 0, .counter) == .count(5))
            region.destroy(0)
            #expect(region.take(0, at: region.place(0)))
            #expect(!region.revive(0))
            try begin(MetricIdentity(.counter, "b"), at: 0, in: region)
            #expect(region.place(0).epoch == 2 && region.value(at: 0, .counter) == .count(0))
        }
    }

    @Test func `a child begins with its parent's names and none of its values`() throws {
        try withRegion { parent in
            try begin(MetricIdentity(.counter, "a"), at: 0, in: parent)
            try begin(MetricIdentity(.gauge, "b"), at: 1, in: parent)
            unsafe parent.scalar(0).pointee.wrappingAdd(5, ordering: .relaxed)
            parent.destroy(1)
            withRegion { child in
                child.takeNames(of: parent)
                #expect(child.used == 2)
                #expect(child.identity(at: 0, child.place(0)) == MetricIdentity(.counter, "a"))
                #expect(child.value(at: 0, .counter) == .count(0))
                #expect(child.place(1).state == .taken)
            }
        }
    }

    @Test func `pages that hold anything are read without a trap`() throws {
        var random = SystemRandomNumberGenerator()
        withRegion { region in
            for _ in 0..<200 {
                for offset in 0..<(4096 / 8) { unsafe region.address.storeBytes(of: random.next(), toByteOffset: offset * 8, as: UInt64.self) }
                let names = 4096 + MetricsRegion.capacity * 24
                for offset in 0..<512 { unsafe region.address.storeBytes(of: random.next(), toByteOffset: 4096 + offset * 8, as: UInt64.self) }
                for offset in 0..<4096 { unsafe region.address.storeBytes(of: random.next(), toByteOffset: names + offset * 8, as: UInt64.self) }
                #expect(region.used <= MetricsRegion.capacity)
                for index in 0..<64 {
                    let place = region.place(index)
                    _ = region.identity(at: index, place)
                    for kind in MetricKind.allCases { _ = region.value(at: index, kind) }
                }
            }
        }
    }

    @Test func `a recorder's buckets are in order, and each holds its lower edge`() {
        for bucket in 1..<RecorderScale.bucketCount - 1 {
            let edge = RecorderScale.lowerEdge(of: bucket)
            #expect(RecorderScale.bucket(of: edge) == bucket)
            #expect(edge < RecorderScale.lowerEdge(of: bucket + 1))
            #expect(RecorderScale.bucket(of: RecorderScale.midpoint(of: bucket)) == bucket)
        }
        for (value, bucket) in [(0.0, 0), (-5, 0), (.nan, 0), (1e-9, 0), (1e300, 864), (.infinity, 864)] {
            #expect(RecorderScale.bucket(of: value) == bucket)
        }
    }
}
