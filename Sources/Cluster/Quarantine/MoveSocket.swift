// Connections that move between workers in the middle of their input: the descriptor, and the bytes that were read of it.
// A socket pair for each direction.
// Process: worker · Thread: loop (made before the fork)

internal import CEverycorePosix
package import EverycoreLoop
internal import Glibc

/// One direction. A packet is the time of the read (eight bytes, little-endian) and the bytes; beside it travels the descriptor.
package struct MoveSocket {
    var pair: PacketPair

    private static let headerByteCount = 8
    /// No packet is larger: beyond the buffers that the kernel grants.
    package static let maximumByteCount = 1 << 20

    package struct Arrival: Equatable {
        package let connection: Int32
        package let bytes: [UInt8]
        /// When the bytes were read, in monotonic nanoseconds.
        package let readAt: UInt64
    }

    package enum Reception: Equatable {
        case connection(Arrival)
        case nothing
        /// An end was shut down, or a process sends empty packets: the socket stays readable.
        case ended
    }

    package init() throws(SystemError) { pair = try PacketPair() }

    package var sender: Int32 { pair.sender }
    package var receiver: Int32 { pair.receiver }

    /// Whether something waits: not in one that was shut down, which is readable for ever.
    package var hasWaiting: Bool {
        var request = pollfd(fd: receiver, events: Int16(POLLIN) | Int16(cposix_poll_ended), revents: 0)
        guard unsafe poll(&request, 1, 0) > 0 else { return false }
        return request.revents & Int16(POLLIN) != 0 && request.revents & (Int16(POLLHUP) | Int16(cposix_poll_ended)) == 0
    }

    /// False when the socket is full, or the bytes are too many for one packet. The descriptor stays the caller's.
    package func send(_ connection: Int32, _ bytes: RawSpan, readAt: UInt64) -> Bool {
        guard bytes.byteCount <= Self.maximumByteCount - Self.headerByteCount else { return false }
        let header = (0..<8).map { UInt8(truncatingIfNeeded: readAt >> (8 * $0)) }
        let packet = unsafe bytes.withUnsafeBytes { unsafe header + $0 }
        if case .sent = PacketSocket.send(packet, with: connection, on: sender) { return true }
        return false
    }

    /// The next connection. What is no stream socket is closed and passed over.
    /// - Parameter buffer: of `maximumByteCount` bytes, used from call to call.
    package func receive(into buffer: ByteStorage) -> Reception {
        // Bounded: a packet that is no connection is worth no turn of its own.
        for _ in 0..<64 {
            switch PacketSocket.receive(into: buffer, on: receiver, withDescriptors: true) {
            case .packet(let count, let descriptors):
                guard let connection = descriptors.only, count >= Self.headerByteCount, Self.isStream(connection),
                    cposix_take_over(connection) == 0
                else {
                    descriptors.close()
                    continue
                }
                return .connection(
                    Arrival(
                        connection: connection, bytes: buffer.array(Self.headerByteCount..<count),
                        readAt: buffer.number(0, as: UInt64.self)))
            case .oversized: continue
            case .nothingYet: return .nothing
            case .end: return .ended
            }
        }
        return .nothing
    }

    private static func isStream(_ descriptor: Int32) -> Bool {
        var type: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        return unsafe getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &type, &length) == 0 && type == Int32(SOCK_STREAM.rawValue)
    }
}

/// The requests that wait for the quarantine worker. Their number is bounded; it is kept in shared memory, where it may be off by what
/// dying workers left undone, and is set right whenever the queue is found empty.
@safe
struct QuarantineQueue {
    var socket: MoveSocket
    /// Sent, taken, and refused since the beginning.
    private let words: UnsafeMutablePointer<UInt32>
    static let byteCount = 16

    init(_ socket: MoveSocket, counters memory: UnsafeMutableRawPointer) {
        self.socket = socket
        unsafe words = memory.bindMemory(to: UInt32.self, capacity: 3)
    }

    /// How many wait.
    var count: Int { max(Int(Int32(bitPattern: unsafe cposix_load32(words) &- cposix_load32(words + 1))), 0) }

    func send(_ connection: Int32, _ bytes: RawSpan, readAt: UInt64, upTo limit: Int) -> Bool {
        guard count < limit else { return false }
        add(1, to: 0)
        if socket.send(connection, bytes, readAt: readAt) { return true }
        add(.max, to: 0)
        return false
    }

    /// A request was refused.
    func noteRefusal() { add(1, to: 2) }

    /// Runs in the master: refusals since `earlier`, which is brought up to date.
    func refusals(since earlier: inout UInt32) -> UInt64 {
        let now = unsafe cposix_load32(words + 2)
        defer { earlier = now }
        return UInt64(now &- earlier)
    }

    /// Runs in the quarantine worker.
    func receive(into buffer: ByteStorage) -> MoveSocket.Reception {
        let sent = unsafe cposix_load32(words)
        let reception = socket.receive(into: buffer)
        let taken = if case .connection = reception { unsafe cposix_load32(words + 1) &+ 1 } else { sent }
        unsafe cposix_store32(words + 1, taken)
        return reception
    }

    private func add(_ amount: UInt32, to index: Int) {
        while true {
            let seen = unsafe cposix_load32(words + index)
            if unsafe cposix_exchange32(words + index, seen, seen &+ amount) != 0 { return }
        }
    }
}
