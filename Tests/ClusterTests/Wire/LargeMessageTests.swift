// Messages that travel in a file in memory, and files that are not what their packet says.

import CEverycorePosix
import Cluster
import EverycoreLoop
import Glibc
import Testing

private let limit = 3 << 20

/// Descriptors of files in memory: other tests open others at the same time.
private func descriptorCount() -> Int {
    (0..<8192).count { descriptor in
        var target = [UInt8](repeating: 0, count: 7)
        let length = unsafe target.withUnsafeMutableBytes { unsafe readlink("/proc/self/fd/\(descriptor)", $0.bindMemory(to: CChar.self).baseAddress!, 7) }
        return length == 7 && String(decoding: target, as: UTF8.self) == "/memfd:"
    }
}

/// A packet with one record whose payload is said to be in the file that comes along.
private func packet(_ name: String, payloadByteCount: Int, inFile: Bool = true) -> [UInt8] {
    let count = UInt32(payloadByteCount)
    return Packet(.messages).encoded() + [1, 1 | 2 | (inFile ? 4 : 0), 0, 0]
        + (0..<4).map { UInt8(truncatingIfNeeded: count >> (8 * $0)) }
        + [UInt8(name.utf8.count), 0] + Array(name.utf8)
}

@Suite(.serialized) struct LargeMessageTests {
    private var options: MessageOptions {
        var options = MessageOptions()
        options.maximumByteCount = limit
        return options
    }

    @Test(arguments: [0, 1, 65_535, 65_536, 126_000, 127_000, 128 * 1024, 128 * 1024 + 1, 1 << 20, limit])
    func everySizeUpToTheLimitArrives(size: Int) throws {
        let pair = try MessagePair(options: options)
        var received: [UInt8]?
        pair.far.handlers.register(bytes: "b") { bytes, _ in
            var sum: [UInt8] = []
            sum.reserveCapacity(bytes.count)
            for index in bytes.indices { sum.append(bytes[index]) }
            received = sum
        }
        let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        try pair.near.send(bytes: bytes.span, to: "b")
        #expect(pair.run { received != nil })
        #expect(received == bytes)
        #expect(pair.failures.isEmpty)
    }

    @Test func oneMoreByteIsRefused() throws {
        let pair = try MessagePair(options: options)
        let bytes = [UInt8](repeating: 0, count: limit + 1)
        #expect(throws: MessageError.tooLarge(limit: limit)) { try pair.near.send(bytes: bytes.span, to: "b") }
        #expect(throws: MessageError.tooLarge(limit: limit)) { try pair.near.send(bytes) }
    }

    @Test func largeMessagesKeepTheirPlaceAmongSmallOnes() throws {
        let pair = try MessagePair(options: options)
        var sizes: [Int] = []
        pair.far.handlers.register([UInt8].self) { bytes, _ in sizes.append(bytes.count) }
        let wanted = (0..<40).map { $0 % 4 == 3 ? 150_000 + $0 : $0 }
        for size in wanted { try pair.near.send([UInt8](repeating: 1, count: size)) }
        #expect(pair.run { sizes.count == wanted.count })
        #expect(sizes == wanted)
    }

    @Test func filesUnderWayAreBoundedAndThenThereIsRoom() throws {
        let pair = try MessagePair(options: options)
        var received = 0
        pair.far.handlers.register(bytes: "b") { _, _ in received += 1 }
        let bytes = [UInt8](repeating: 1, count: 1 << 20)
        var sent = 0
        #expect(throws: MessageError.queueFull) {
            while true {
                try pair.near.send(bytes: bytes.span, to: "b")
                sent += 1
            }
        }
        #expect(sent == 3)
        var hasRoom = false
        #expect(pair.run { received == 3 })
        pair.near.whenRoom { hasRoom = true }
        #expect(pair.run { hasRoom })
        try pair.near.send(bytes: bytes.span, to: "b")
        #expect(pair.run { received == 4 })
    }

    @Test func aFileThatIsNotAsItSaysIsRefusedAndNoDescriptorLeaks() throws {
        let pair = try MessagePair(options: options)
        var received = 0
        pair.far.handlers.register(bytes: "b") { _, _ in received += 1 }
        let raw = try #require(RawEnd())
        let channel = try Channel(descriptor: raw.theirs, loop: pair.loop, options: options, buffer: ReceiveBuffer())
        let messenger = Messenger<String>(channel: channel, handlers: pair.far.handlers, tally: .worker(pair.figures))
        messenger.peer = "raw"
        var failures: [String] = []
        var malformed = 0
        messenger.onFailure = { failure, _ in failures.append("\(failure.reason)") }
        channel.onMalformed = { _ in malformed += 1 }
        let before = descriptorCount()

        // Not sealed, and too short: its reader would run off its end.
        var path = Array("/dev/shm/everycore-XXXXXX".utf8CString)
        let open = unsafe mkstemp(&path)
        unsafe unlink(path)
        raw.send(packet("b", payloadByteCount: 4096), open)
        // Sealed, and of another size.
        let sealed = unsafe cposix_sealed_file([1, 2, 3], 3)
        raw.send(packet("c", payloadByteCount: 2), sealed)
        // No file at all; a file that nothing speaks of; a file with what is no packet, or one of the cluster's own.
        raw.send(packet("d", payloadByteCount: 3), nil)
        raw.send(Packet(.messages).encoded(), sealed)
        raw.send([9, 9, 9], sealed)
        raw.send(Packet(.ready).encoded(), sealed)
        // A pipe's end is no file.
        raw.send(packet("e", payloadByteCount: 3), raw.ours)
        // A file that was not announced, which the kernel closes.
        raw.send(packet("f", payloadByteCount: 3), sealed, isAnnounced: false)
        channel.receiveAll()
        #expect(received == 0)
        #expect(failures.count == 6)
        #expect(malformed == 1)
        #expect(channel.isOpen)
        close(open)
        close(sealed)
        #expect(descriptorCount() == before)

        // And one as it should be. The names above have taken numbers.
        let good = unsafe cposix_sealed_file([1, 2, 3], 3)
        raw.send([2, 16, 0, 0, 1, 2 | 4, 0, 0, 3, 0, 0, 0], good)
        close(good)
        channel.receiveAll()
        #expect(received == 1)
        #expect(descriptorCount() == before)
        channel.close()
    }
}

/// The other side of a channel, which sends what it likes.
private final class RawEnd {
    let ours: Int32
    let theirs: Int32

    init?() {
        var descriptors: [Int32] = [-1, -1]
        guard unsafe cposix_socketpair(Int32(SOCK_SEQPACKET.rawValue), 1 << 18, &descriptors) == 0 else { return nil }
        (ours, theirs) = (descriptors[0], descriptors[1])
    }

    deinit { close(ours) }

    func send(_ bytes: [UInt8], _ file: Int32?, isAnnounced: Bool = true) {
        if file != nil, isAnnounced { send(Packet(.descriptorNext).encoded(), nil) }
        let count =
            if let file { unsafe cposix_send_with_descriptor(ours, bytes, bytes.count, file) } else {
                unsafe cposix_send(ours, bytes, bytes.count)
            }
        #expect(count == bytes.count)
    }
}
