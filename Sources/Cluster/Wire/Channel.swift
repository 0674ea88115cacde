// One end of the packet channel between the master and a worker, on the loop of the process that holds it.
// The master's Child owns one end, the worker's Worker the other. Sending never blocks: what doesn't fit in the socket
// waits in a bounded queue, and a full queue is the sender's to know.

package import EventLoop
internal import Glibc

package final class Channel {
    /// Called for each packet, in the order in which they were sent.
    package var onPacket: (Packet) -> Void = { _ in }
    /// Called for what arrived and is no packet.
    package var onMalformed: (String) -> Void = { _ in }
    /// Called once, when the other side is gone and everything that it sent has been handled.
    package var onEnd: () -> Void = {}

    private let descriptor: Int32
    private let loop: EventLoop
    private let options: MessageOptions
    private let buffer: ReceiveBuffer
    private var readWatch: DescriptorWatch?
    private var writeWatch: DescriptorWatch?
    private var waiting: [[UInt8]] = []
    private var firstWaiting = 0
    private var waitingByteCount = 0
    package private(set) var isOpen = true

    /// So many packets at once, then the loop's other work gets its turn.
    private static let packetsPerTurn = 128

    /// - Parameter descriptor: owned from here on.
    package init(descriptor: Int32, loop: EventLoop, options: MessageOptions, buffer: ReceiveBuffer) throws(SystemError) {
        self.descriptor = descriptor
        self.loop = loop
        self.options = options
        self.buffer = buffer
        readWatch = try loop.watch(descriptor, for: .read) { [weak self] _ in
            self?.receive(atMost: Self.packetsPerTurn)
        }
    }

    /// A channel that never was: nobody could be started at its other end.
    package init(closedOn loop: EventLoop, options: MessageOptions, buffer: ReceiveBuffer) {
        descriptor = -1
        self.loop = loop
        self.options = options
        self.buffer = buffer
        isOpen = false
    }

    package func close() {
        guard isOpen else { return }
        isOpen = false
        readWatch?.cancel()
        writeWatch?.cancel()
        readWatch = nil
        writeWatch = nil
        waiting = []
        _ = Glibc.close(descriptor)
    }

    /// In a child of the process that holds this end: closes the inherited copy, whose loop is given up already.
    func closeInherited() {
        if isOpen { _ = Glibc.close(descriptor) }
    }

    // MARK: Receiving

    /// Handles everything that has arrived, up to the end of file if it is there.
    package func receiveAll() { receive(atMost: .max) }

    private func receive(atMost limit: Int) {
        var count = 0
        while isOpen, count < limit {
            count += 1
            switch PacketSocket.receive(on: descriptor, buffer: &buffer.bytes) {
            case .packet(let bytes):
                do throws(Packet.Malformed) {
                    onPacket(try Packet(decoding: bytes))
                } catch {
                    onMalformed(error.description)
                }
            case .oversized:
                onMalformed("a packet was longer than \(buffer.bytes.count) bytes")
            case .nothingYet:
                return
            case .end:
                close()
                onEnd()
            }
        }
    }

    // MARK: Sending

    /// A user's message; refused when the queue is full.
    package func send(message name: String, payload: [UInt8]) throws(MessageError) {
        let packet = Packet(.message, name: name, payload: payload).encoded()
        let limit = min(options.maximumByteCount, Packet.maximumByteCount)
        guard packet.count <= limit, name.utf8.count <= Int(UInt16.max) else { throw .tooLarge(limit: limit) }
        try send(packet, isBounded: true)
    }

    /// A packet of the cluster's own; these are few and always find room.
    package func send(control packet: Packet) throws(MessageError) { try send(packet.encoded(), isBounded: false) }

    /// A packet of the cluster's own that may be refused like a message.
    func send(bulk packet: Packet) throws(MessageError) { try send(packet.encoded(), isBounded: true) }

    private func send(_ bytes: [UInt8], isBounded: Bool) throws(MessageError) {
        guard isOpen else { throw .disconnected }
        if firstWaiting == waiting.count {
            switch PacketSocket.send(bytes, on: descriptor) {
            case .sent: return
            case .tooLarge: throw .tooLarge(limit: Packet.maximumByteCount)
            case .peerGone: throw .disconnected
            case .full: break
            }
        }
        if isBounded {
            let count = waiting.count - firstWaiting
            guard count < options.queueCount, bytes.count <= options.queueByteCount - waitingByteCount else {
                throw .queueFull
            }
        }
        waiting.append(bytes)
        waitingByteCount += bytes.count
        watchForRoom()
    }

    private func watchForRoom() {
        if let writeWatch { return writeWatch.resume() }
        // Without a watch the packets go with the next ones, or at the flush.
        writeWatch = try? loop.watch(descriptor, for: .write) { [weak self] _ in self?.sendWaiting() }
    }

    private func sendWaiting() {
        while firstWaiting < waiting.count {
            let bytes = waiting[firstWaiting]
            // When the other side is gone the end of file comes next; there is nobody to keep packets for.
            if case .full = PacketSocket.send(bytes, on: descriptor) { break }
            waitingByteCount -= bytes.count
            firstWaiting += 1
        }
        if firstWaiting == waiting.count {
            waiting.removeAll(keepingCapacity: true)
            firstWaiting = 0
            writeWatch?.pause()
        } else if firstWaiting > 1024 {
            waiting.removeFirst(firstWaiting)
            firstWaiting = 0
        }
    }

    /// Sends what waits, until the time is up. Runs in a worker on its way out, when the loop no longer turns.
    package func flush(until deadline: UInt64) {
        guard isOpen else { return }
        sendWaiting()
        while firstWaiting < waiting.count {
            let now = EventLoop.monotonicNanoseconds()
            guard now < deadline else { return }
            PacketSocket.waitForRoom(
                on: descriptor, milliseconds: Int32(clamping: (deadline - now) / 1_000_000 + 1))
            sendWaiting()
        }
    }
}

/// Where packets arrive: one for a process, however many channels it has.
package final class ReceiveBuffer {
    package var bytes = [UInt8](repeating: 0, count: Packet.maximumByteCount)

    package init() {}
}
