// What endpoints did in the last minute, and the tables in shared memory that it is known from.

import Cluster
import Testing

private let second: UInt64 = 1_000_000_000

@Suite struct EndpointHistoryTests {
    @Test func theEndpointThatAnsweredMoreThanHalfIsDominant() {
        var history = EndpointHistory()
        history.answered([1: 51, 2: 49], total: 100, now: second)
        #expect(history.dominant(now: second) == 1)
    }

    @Test func halfIsNotMoreThanHalfAndNothingAnsweredIsNobodys() {
        var history = EndpointHistory()
        #expect(history.dominant(now: second) == nil)
        history.answered([1: 50, 2: 50], total: 100, now: second)
        #expect(history.dominant(now: second) == nil)
    }

    @Test func requestsOfNoEndpointCountForTheWhole() {
        var history = EndpointHistory()
        history.answered([1: 40], total: 100, now: second)
        #expect(history.dominant(now: second) == nil)
    }

    @Test func onlyTheLastMinuteCounts() {
        var history = EndpointHistory()
        history.answered([1: 1000], total: 1000, now: second)
        history.answered([2: 10], total: 10, now: 50 * second)
        #expect(history.dominant(now: 50 * second) == 1)
        #expect(history.dominant(now: 75 * second) == 2)
        #expect(history.dominant(now: 200 * second) == nil)
    }

    @Test func countsThatNoWorkerCanHaveReachedDontOverflow() {
        var history = EndpointHistory()
        for _ in 0..<3 { history.answered([1: .max, 2: .max], total: .max, now: second) }
        _ = history.dominant(now: second)
    }

    @Test func whatIsOftenInFlightIsUsual() {
        var history = EndpointHistory()
        for turn in 0..<20 { history.sampled(turn % 2 == 0 ? [1] : turn == 1 ? [1, 2] : [], now: second) }
        #expect(history.usual(among: [1, 2, 3], now: second) == [1])
    }

    @Test func withoutSamplesEverythingIsUsual() {
        var history = EndpointHistory()
        #expect(history.usual(among: [1, 2], now: second) == [1, 2])
    }
}

@Suite struct QuarantineTablesTests {
    private static func withMemory<Result>(_ byteCount: Int, _ body: (UnsafeMutableRawPointer) -> Result) -> Result {
        let memory = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: 8)
        unsafe memory.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
        defer { unsafe memory.deallocate() }
        return unsafe body(memory)
    }

    private static func contains(_ list: QuarantineList, _ endpoint: UInt64, _ path: String) -> Bool {
        let bytes = Array(path.utf8)
        return unsafe list.contains(endpoint: endpoint, path: bytes.span.bytes)
    }

    @Test func theListKnowsPathsAndWholeEndpoints() {
        unsafe Self.withMemory(QuarantineList.byteCount) { memory in
            let list = unsafe QuarantineList(at: memory)
            #expect(list.isEmpty)
            list.publish([.init(endpoint: 7, path: PathHash.of("/item/1".utf8)), .init(endpoint: 8)])
            #expect(!list.isEmpty)
            #expect(Self.contains(list, 7, "/item/1"))
            #expect(!Self.contains(list, 7, "/item/2"))
            #expect(Self.contains(list, 8, "/any"))
            #expect(!Self.contains(list, 9, "/item/1"))
            list.publish([])
            #expect(list.isEmpty && !Self.contains(list, 8, "/any"))
        }
    }

    @Test func theListSaysHowManyAtOnceAndWhetherThereIsAWorkerForThem() {
        unsafe Self.withMemory(QuarantineList.byteCount) { memory in
            let list = unsafe QuarantineList(at: memory)
            list.publish([])
            #expect(list.limit == QuarantineList.usualLimit && !list.isDown)
            list.publish([.init(endpoint: 1)], atOnce: 1, isDown: true)
            #expect(list.limit == 1 && list.isDown)
        }
    }

    @Test func aListThatIsFullOfRubbishBoundsItsReader() {
        unsafe Self.withMemory(QuarantineList.byteCount) { memory in
            unsafe memory.initializeMemory(as: UInt8.self, repeating: 0xFF, count: QuarantineList.byteCount)
            #expect(!Self.contains(unsafe QuarantineList(at: memory), 7, "/"))
        }
    }

    @Test func theHashOfAPathInADescriptionIsThatOfThePath() {
        let description = Array("GET /item/1".utf8)
        #expect(unsafe PathHash.ofPath(in: description.span.bytes) == PathHash.of("/item/1".utf8))
        let cut = Array("GET".utf8)
        #expect(unsafe PathHash.ofPath(in: cut.span.bytes) == PathHash.of("".utf8))
    }

    @Test func theTableCountsWaitingRequestsAndAnswersByEndpoint() {
        unsafe Self.withMemory(EndpointTable.byteCount) { memory in
            let table = unsafe EndpointTable(at: memory)
            let (first, second) = (table.enter(11), table.enter(12))
            #expect(table.enter(11) == first)
            table.beganToWait(second)
            #expect(table.waiting == [12])
            table.endedToWait(second)
            #expect(table.waiting == [])
            var earlier: [UInt64] = []
            for _ in 0..<3 { table.answered(first) }
            #expect(table.answers(since: &earlier) == [11: 3])
            table.answered(second)
            #expect(table.answers(since: &earlier) == [12: 1])
        }
    }

    @Test func endpointsBeyondTheTableShareItsLastEntryAndAreNotNamed() {
        unsafe Self.withMemory(EndpointTable.byteCount) { memory in
            let table = unsafe EndpointTable(at: memory)
            for endpoint: UInt64 in 1...1000 {
                let entry = table.enter(endpoint)
                table.answered(entry)
                table.beganToWait(entry)
            }
            #expect(table.waiting.count == EndpointTable.capacity - 1)
            var earlier: [UInt64] = []
            #expect(table.answers(since: &earlier).values.allSatisfy { $0 == 1 })
        }
    }

    @Test func aTableThatIsFullOfRubbishBoundsItsReader() {
        unsafe Self.withMemory(EndpointTable.byteCount) { memory in
            unsafe memory.initializeMemory(as: UInt8.self, repeating: 0xFF, count: EndpointTable.byteCount)
            let table = unsafe EndpointTable(at: memory)
            #expect(table.waiting.isEmpty)
            var earlier: [UInt64] = []
            #expect(table.answers(since: &earlier).isEmpty)
        }
    }
}
