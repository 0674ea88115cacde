// What a worker leaves behind in shared memory: the request that it was in, and those that waited.

import Cluster
import Testing

@Suite struct BlackBoxTests {
    @safe private final class Memory {
        let words = UnsafeMutablePointer<UInt64>.allocate(capacity: BlackBox.byteCount / 8)
        let box: BlackBox

        init(filledWith word: UInt64 = 0) {
            unsafe words.initialize(repeating: word, count: BlackBox.byteCount / 8)
            box = unsafe BlackBox(at: words)
        }

        deinit { unsafe words.deallocate() }
    }

    @Test func theRequestIsThereUntilItIsOver() {
        let memory = Memory()
        defer { withExtendedLifetime(memory) {} }
        let box = memory.box
        #expect(box.current == nil)
        let request = Array("GET /a\u{1B}".utf8)
        unsafe box.enter(request.span.bytes, now: 7)
        #expect(box.current?.description == "GET /a?")
        #expect(box.current?.since == 7)
        box.leave()
        #expect(box.current == nil)
        box.beat(now: 9)
        #expect(box.lastBeat == 9)
    }

    @Test func theEndpointIsThereWhileARequestRuns() {
        let memory = Memory()
        defer { withExtendedLifetime(memory) {} }
        let box = memory.box
        box.setEndpoint(0xFFFF_FFFF_FFFF_FFFF)
        #expect(box.currentEndpoint == 0 && box.currentPath == nil)
        let request = Array("GET /a".utf8)
        unsafe box.enter(request.span.bytes, now: 7)
        // Not that of the request before.
        #expect(box.currentEndpoint == 0)
        box.setEndpoint(.max)
        #expect(box.currentEndpoint == .max && box.currentPath == PathHash.of("/a".utf8))
        box.leave()
        #expect(box.currentEndpoint == 0)
    }

    @Test func theHashOfALongPathIsThatOfAllOfIt() {
        let memory = Memory()
        defer { withExtendedLifetime(memory) {} }
        for count in [200, 227, 228, 229, 5000] {
            let path = "/" + String(repeating: "a", count: count - 1)
            let request = Array("GET \(path)".utf8)
            unsafe memory.box.enter(request.span.bytes, now: 7)
            #expect(memory.box.currentPath == PathHash.of(path.utf8), "\(count)")
        }
    }

    @Test func theMarkOfACrashTellsTheSignalAndItsSender() {
        let memory = Memory()
        defer { withExtendedLifetime(memory) {} }
        #expect(memory.box.crash == nil)
        unsafe memory.box.crashWord.pointee = 5
        #expect(memory.box.crash == CrashMark(signal: 5))
        unsafe memory.box.crashWord.pointee = 77 << 32 | 11
        #expect(memory.box.crash == CrashMark(signal: 11, sender: 77))
        unsafe memory.box.crashWord.pointee = 0x10006
        #expect(memory.box.crash == CrashMark(signal: 6, isOfLoop: false))
        unsafe memory.box.crashWord.pointee = .max
        #expect(memory.box.crash == CrashMark(signal: 0xFFFF, sender: -1, isOfLoop: false))
    }

    @Test func aRequestIsBlamedUnlessAnotherThreadCrashed() throws {
        let memory = Memory()
        defer { withExtendedLifetime(memory) {} }
        #expect(memory.box.blamed == nil)
        let request = Array("GET /a".utf8)
        unsafe memory.box.enter(request.span.bytes, now: 7)
        memory.box.setEndpoint(3)
        #expect(try #require(memory.box.blamed) == (3, PathHash.of("/a".utf8)))
        unsafe memory.box.crashWord.pointee = 6
        #expect(try #require(memory.box.blamed) == (3, PathHash.of("/a".utf8)))
        unsafe memory.box.crashWord.pointee = 0x10006
        #expect(memory.box.blamed == nil)
    }

    @Test func theOldestRequestThatWaitsIsThereWhileAnyDo() {
        let memory = Memory()
        defer { withExtendedLifetime(memory) {} }
        let box = memory.box
        #expect(box.waiting == 0 && box.oldestWaiting == nil)
        let request = Array("GET /wait".utf8)
        box.setWaiting(2)
        unsafe box.waitingRequests.enter(request.span.bytes, endpoint: 3, since: 5, isStreaming: false, at: 4)
        unsafe box.waitingRequests.enter(request.span.bytes, endpoint: 3, since: 6, isStreaming: true, at: 0)
        #expect(box.waiting == 2)
        #expect(box.oldestWaiting?.description == "GET /wait" && box.oldestWaiting?.since == 5)
        #expect(box.current == nil)
        #expect(box.waitingRequests.entries.map(\.isStreaming) == [true, false] && box.waitingRequests.oldestSince == 5)
        box.waitingRequests.leave(4)
        #expect(box.waitingRequests.entries.map(\.since) == [6] && box.waitingRequests.entries[0].endpoint == 3)
        box.setWaiting(0)
        #expect(box.oldestWaiting == nil)
    }

    @Test func theReasonOfAStartThatFailedIsThere() {
        let memory = Memory()
        defer { withExtendedLifetime(memory) {} }
        #expect(memory.box.failure == nil)
        memory.box.fail("no\nway")
        #expect(memory.box.failure == "no?way" && memory.box.current == nil)
        memory.box.fail(String(repeating: "x", count: 1000))
        #expect(memory.box.failure?.count == 232)
    }

    @Test func longRequestsAreCutAndDamagedBoxesAreReadWithoutHarm() {
        let (memory, damaged) = (Memory(), Memory(filledWith: .max))
        defer { withExtendedLifetime((memory, damaged)) {} }
        let request = [UInt8](repeating: 0x61, count: 5000)
        unsafe memory.box.enter(request.span.bytes, now: 1)
        #expect(memory.box.current?.description.count == 224)
        #expect(damaged.box.current?.description == String(repeating: "?", count: 224))
        #expect(damaged.box.oldestWaiting?.description == String(repeating: "?", count: 104))
        #expect(damaged.box.waitingRequests.entries.count == WaitingTable.capacity)
        #expect(damaged.box.failure == String(repeating: "?", count: 232))
        unsafe memory.box.waitingRequests.enter(request.span.bytes, endpoint: .max, since: 1, isStreaming: true, at: 31)
        #expect(memory.box.waitingRequests.entries.first?.description.count == 104)
        #expect(damaged.box.waiting == .max)
    }
}
