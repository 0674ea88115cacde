// Two ends of a conversation in one process, for the tests of messages.

import CEverycorePosix
import Cluster
import EverycoreLoop
import EverycoreStatistics
import Glibc
import Testing

/// Both ends of a conversation on one loop, as if in two processes: `near` the master's, `far` the worker's.
@safe final class MessagePair {
    let loop: EventLoop
    let near: Messenger<String>
    let far: Messenger<String>
    let figures: WorkerFigures
    private let memory: UnsafeMutableRawPointer
    var failures: [MessageFailure] = []
    var malformed: [String] = []
    var ended = false

    init(options: MessageOptions = .init(), bufferByteCount: Int32 = 1 << 18) throws {
        loop = try EventLoop()
        unsafe memory = .allocate(byteCount: WorkerFigures.byteCount, alignment: 8)
        unsafe memory.initializeMemory(as: UInt8.self, repeating: 0, count: WorkerFigures.byteCount)
        figures = unsafe WorkerFigures(at: memory)
        var descriptors: [Int32] = [-1, -1]
        try #require(unsafe cposix_socketpair(Int32(SOCK_SEQPACKET.rawValue), bufferByteCount, &descriptors) == 0)
        let buffer = ReceiveBuffer()
        near = Messenger(
            channel: try Channel(descriptor: descriptors[0], loop: loop, options: options, buffer: buffer),
            handlers: MessageHandlers(), tally: .master(figures))
        far = Messenger(
            channel: try Channel(descriptor: descriptors[1], loop: loop, options: options, buffer: buffer),
            handlers: MessageHandlers(), tally: .worker(figures))
        near.peer = "far"
        far.peer = "near"
        far.onFailure = { [unowned self] failure, _ in failures.append(failure) }
        far.channel.onMalformed = { [unowned self] in malformed.append($0) }
        far.channel.onEnd = { [unowned self] in ended = true }
    }

    deinit {
        near.channel.close()
        far.channel.close()
        unsafe memory.deallocate()
    }

    /// Turns the loop until the condition holds; false when it doesn't within half a minute.
    func run(until condition: @escaping () -> Bool) -> Bool {
        var isInTime = true
        let end = loop.after(.seconds(30)) { [unowned self] in
            isInTime = false
            loop.stop()
        }
        let check = loop.every(.milliseconds(1)) { [unowned self] in if condition() { loop.stop() } }
        loop.run()
        end.cancel()
        check.cancel()
        return isInTime
    }
}
