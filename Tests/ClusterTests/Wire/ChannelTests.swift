// Packets between two processes: order, the end, full queues.

import CEverycorePosix
import Cluster
import EverycoreLoop
import EverycoreStatistics
import Glibc
import Testing

private struct Block: Codable, Equatable {
    var index: Int
    var bytes: [UInt8]

    init(_ index: Int, _ count: Int) {
        self.index = index
        bytes = Array(repeating: UInt8(truncatingIfNeeded: index), count: count)
    }
}

@Suite struct ChannelTests {
    @Test func everythingSentBeforeTheCloseArrivesInOrderBeforeTheEnd() throws {
        let pair = try MessagePair()
        var received: [Int] = []
        pair.far.handlers.register(Block.self) { block, _ in received.append(block.index) }
        // More than the socket holds, so that most of it waits in the queue.
        for index in 0..<3000 { try pair.near.send(Block(index, 1000)) }
        #expect(pair.run { received.count == 2999 || received.count == 3000 })
        pair.near.channel.close()
        #expect(pair.run { pair.ended })
        #expect(received == Array(0..<3000))
    }

    @Test func whatTheCloserHasNotReadDoesNotCostWhatItSent() throws {
        let pair = try MessagePair()
        var received: [Int] = []
        pair.far.handlers.register(Block.self) { block, _ in received.append(block.index) }
        try pair.far.channel.send(control: Packet(.drain, number: 1))
        try pair.near.send(Block(1, 1))
        try pair.near.send(Block(2, 1))
        pair.near.channel.close()
        pair.far.channel.receiveAll()
        #expect(received == [1, 2])
        #expect(pair.ended)
    }

    @Test func aFullQueueIsTheSendersToKnow() throws {
        var options = MessageOptions()
        options.queueCount = 3
        let pair = try MessagePair(options: options)
        var received = 0
        var kinds: [Packet.Kind] = []
        pair.far.handlers.register(Block.self) { _, _ in received += 1 }
        pair.far.channel.onPacket = { kinds.append($0.kind) }
        var sent = 0
        #expect(throws: MessageError.queueFull) {
            for _ in 0..<100_000 {
                try pair.near.send(Block(0, 4000))
                sent += 1
            }
        }
        #expect(pair.figures[.messagesRefusedByMaster] == 1)
        // The cluster's own packets still find room, behind the others.
        try pair.near.channel.send(control: Packet(.ready))
        pair.far.channel.receiveAll()
        pair.near.channel.flush(until: 0)
        pair.far.channel.receiveAll()
        #expect(received == sent)
        #expect(kinds == [.ready])
        try pair.near.send(Block(0, 0))
    }

    @Test func theQueuesBytesAreBoundedToo() throws {
        var options = MessageOptions()
        options.queueByteCount = 10_000
        let pair = try MessagePair(options: options)
        #expect(throws: MessageError.queueFull) {
            for _ in 0..<10_000 { try pair.near.send(Block(0, 6000)) }
        }
    }

    @Test func sendingToOneWhoIsGoneSaysSo() throws {
        let pair = try MessagePair()
        pair.far.channel.close()
        // A message leaves at the end of the turn: then it shows.
        try pair.near.send(Block(0, 0))
        pair.near.channel.sendBatch()
        #expect(throws: MessageError.disconnected) { try pair.near.send(Block(0, 0)) }
        pair.near.channel.close()
        #expect(throws: MessageError.disconnected) { try pair.near.send(Block(0, 0)) }
    }

    @Test func messagesOfOneTurnShareAPacketAndLeaveInIt() throws {
        var descriptors: [Int32] = [-1, -1]
        try #require(unsafe cposix_socketpair(Int32(SOCK_SEQPACKET.rawValue), 1 << 18, &descriptors) == 0)
        let loop = try EventLoop()
        let channel = try Channel(descriptor: descriptors[1], loop: loop, options: .init(), buffer: ReceiveBuffer())
        let pair = try MessagePair()
        let sender = Messenger<String>(channel: channel, handlers: .init(), tally: .master(pair.figures))
        for index in 0..<100 { try sender.send(Block(index, 8)) }
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        #expect(unsafe cposix_receive(descriptors[0], &bytes, bytes.count) == -1)
        let timer = loop.after(.zero) { loop.stop() }
        loop.run()
        timer.cancel()
        #expect(unsafe cposix_receive(descriptors[0], &bytes, bytes.count) > 800)
        #expect(unsafe cposix_receive(descriptors[0], &bytes, bytes.count) == -1)
        channel.close()
        close(descriptors[0])
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
        for bytes: [UInt8] in [[1], [200, 1, 0, 0], Array(repeating: 1, count: 130 * 1024), Packet(.ready).encoded()] {
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
