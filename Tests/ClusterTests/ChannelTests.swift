import CPosix
import Cluster
import EventLoop
import Glibc
import Testing

/// Two ends on one loop, as if in two processes.
private final class Pair {
    let loop: EventLoop
    let near: Channel
    let far: Channel
    var received: [Packet] = []
    var malformed: [String] = []
    var ended = false

    init(options: MessageOptions = .init()) throws {
        loop = try EventLoop()
        var descriptors: [Int32] = [-1, -1]
        try #require(
            unsafe cposix_socketpair(Int32(SOCK_SEQPACKET.rawValue), 1 << 18, &descriptors) == 0)
        let buffer = ReceiveBuffer()
        near = try Channel(descriptor: descriptors[0], loop: loop, options: options, buffer: buffer)
        far = try Channel(descriptor: descriptors[1], loop: loop, options: options, buffer: buffer)
        far.onPacket = { [unowned self] in received.append($0) }
        far.onMalformed = { [unowned self] in malformed.append($0) }
        far.onEnd = { [unowned self] in
            ended = true
            loop.stop()
        }
    }

    /// Until the near end is closed and the far one has seen it.
    func runToEnd() {
        let guardTimer = loop.after(.seconds(10)) { [unowned self] in loop.stop() }
        loop.run()
        guardTimer.cancel()
    }
}

@Suite struct ChannelTests {
    @Test func everythingSentBeforeTheCloseArrivesInOrderBeforeTheEnd() throws {
        let pair = try Pair()
        // More than the socket holds, so that most of it waits in the queue.
        for index in 0..<3000 { try pair.near.send(message: "T", payload: Array(repeating: UInt8(index % 251), count: 1000)) }
        let sender = pair.loop.every(.milliseconds(1)) {
            pair.near.flush(until: 0)
        }
        let closer = pair.loop.every(.milliseconds(1)) {
            if pair.received.count == 3000 { pair.near.close() }
        }
        pair.runToEnd()
        sender.cancel()
        closer.cancel()
        #expect(pair.ended)
        #expect(pair.received.map { $0.payload.first } == (0..<3000).map { UInt8($0 % 251) })
    }

    @Test func whatTheCloserHasNotReadDoesNotCostWhatItSent() throws {
        let pair = try Pair()
        try pair.far.send(control: Packet(.drain, number: 1))
        try pair.near.send(message: "T", payload: [1])
        try pair.near.send(message: "T", payload: [2])
        pair.near.close()
        pair.far.receiveAll()
        #expect(pair.received.map { Array($0.payload) } == [[1], [2]])
        #expect(pair.ended)
    }

    @Test func aFullQueueIsTheSendersToKnow() throws {
        var options = MessageOptions()
        options.queueCount = 3
        let pair = try Pair(options: options)
        var sent = 0
        var failure: MessageError?
        while failure == nil, sent < 100_000 {
            do throws(MessageError) {
                try pair.near.send(message: "T", payload: Array(repeating: 0, count: 4000))
                sent += 1
            } catch {
                failure = error
            }
        }
        #expect(failure == .queueFull)
        // The cluster's own packets still find room, behind the others.
        try pair.near.send(control: Packet(.ready))
        pair.far.receiveAll()
        pair.near.flush(until: 0)
        pair.far.receiveAll()
        #expect(pair.received.count == sent + 1)
        #expect(pair.received.last?.kind == .ready)
        try pair.near.send(message: "T", payload: [])
    }

    @Test func theQueuesBytesAreBoundedToo() throws {
        var options = MessageOptions()
        options.queueByteCount = 10_000
        let pair = try Pair(options: options)
        #expect(throws: MessageError.queueFull) {
            for _ in 0..<10_000 { try pair.near.send(message: "T", payload: Array(repeating: 0, count: 6000)) }
        }
    }

    @Test func aMessageBeyondTheLimitIsRefusedAndTheLargestArrives() throws {
        let pair = try Pair()
        #expect(throws: MessageError.tooLarge(limit: 128 * 1024)) {
            try pair.near.send(message: "T", payload: Array(repeating: 0, count: 128 * 1024))
        }
        try pair.near.send(message: "T", payload: Array(repeating: 9, count: 128 * 1024 - 5))
        pair.far.receiveAll()
        #expect(pair.received.first?.payload.count == 128 * 1024 - 5)
    }

    @Test func sendingToOneWhoIsGoneSaysSo() throws {
        let pair = try Pair()
        pair.far.close()
        #expect(throws: MessageError.disconnected) { try pair.near.send(message: "T", payload: []) }
        pair.near.close()
        #expect(throws: MessageError.disconnected) { try pair.near.send(message: "T", payload: []) }
    }

    @Test func garbageIsReportedAndEndsNothing() throws {
        var descriptors: [Int32] = [-1, -1]
        try #require(
            unsafe cposix_socketpair(Int32(SOCK_SEQPACKET.rawValue), 1 << 18, &descriptors) == 0)
        let loop = try EventLoop()
        let channel = try Channel(descriptor: descriptors[1], loop: loop, options: .init(), buffer: ReceiveBuffer())
        var reasons: [String] = []
        var kinds: [Packet.Kind] = []
        channel.onMalformed = { reasons.append($0) }
        channel.onPacket = { kinds.append($0.kind) }
        for bytes: [UInt8] in [[1], [200, 1, 0, 0], Array(repeating: 1, count: 130 * 1024), [1, 1, 0, 0]] {
            #expect(unsafe cposix_send(descriptors[0], bytes, bytes.count) == bytes.count)
        }
        channel.receiveAll()
        #expect(reasons.count == 3)
        #expect(kinds == [.ready])
        #expect(channel.isOpen)
        channel.close()
        close(descriptors[0])
    }
}
