// One end of the packet channel between the master and a worker, on the loop of the process that holds it.
// The master's Child owns one end, the worker's Worker the other. Sending never blocks: what doesn't fit in the socket
// waits in a bounded queue, and a full queue is the sender's to know.
//
//   Channel.swift            receiving, and the channel's end
//   Channel+Sending.swift    gathering messages into packets, and the queue

package import EverycoreLoop
internal import Glibc

package final class Channel {
    /// Called for each packet of the cluster's own, in the order in which all packets were sent.
    package var onPacket: (Packet) -> Void = { _ in }
    /// Called for a packet of the cluster's own that brings a descriptor, which is the handler's to close; -1 where this process had
    /// none to spare.
    var onDescriptor: (Packet, Int32) -> Void = { _, descriptor in if descriptor >= 0 { _ = Glibc.close(descriptor) } }
    /// Called before a descriptor is taken: the next packet brings one.
    var onDescriptorNext: () -> Void = {}
    /// Called for each packet of messages, which are in this part of the buffer, and the large message's file.
    var onMessages: (_ bytes: ByteStorage, _ messages: Range<Int>, _ file: FileArrival) -> Void = { _, _, _ in }
    /// Called for what arrived and is no packet.
    package var onMalformed: (String) -> Void = { _ in }
    /// Called once, when the other side is gone and everything that it sent has been handled.
    package var onEnd: () -> Void = {}
    /// Called once, when this end is closed, for whatever reason.
    var onClose: () -> Void = {}

    let descriptor: Int32
    let loop: EventLoop
    let options: MessageOptions
    private let buffer: ReceiveBuffer
    private var readWatch: DescriptorWatch?
    /// Whether packets lately came faster than they were taken, so that another look is worth a system call.
    private var expectsMore = false
    private var turns: UInt8 = 0
    private var expectsDescriptor = false
    let sending = SendingState()
    package private(set) var isOpen = true

    /// Fairness: after so many bytes, yield to the loop.
    private static let bytesPerTurn = 256 * 1024
    private static let packetsPerTurn = 128

    /// - Parameter descriptor: owned from here on, also when this fails.
    package init(descriptor: Int32, loop: EventLoop, options: MessageOptions, buffer: ReceiveBuffer) throws(SystemError) {
        self.descriptor = descriptor
        self.loop = loop
        self.options = options
        self.buffer = buffer
        do throws(SystemError) {
            readWatch = try loop.watch(descriptor, for: .read) { [unowned self] _ in receive() }
        } catch {
            isOpen = false
            _ = Glibc.close(descriptor)
            throw error
        }
    }

    /// An already-closed channel, for children whose fork failed.
    package init(closedOn loop: EventLoop, options: MessageOptions, buffer: ReceiveBuffer) {
        descriptor = -1
        self.loop = loop
        self.options = options
        self.buffer = buffer
        isOpen = false
    }

    package func close() {
        guard isOpen else { return }
        if !sending.isBlocked { sendBatch() }
        isOpen = false
        readWatch?.cancel()
        readWatch = nil
        stopSending()
        _ = Glibc.close(descriptor)
        onClose()
    }

    /// In a child of the process that holds this end: closes the inherited copies, whose loop is given up already.
    func closeInherited() {
        guard isOpen else { return }
        isOpen = false
        dropInherited()
        _ = Glibc.close(descriptor)
    }

    // MARK: Receiving

    /// A large message's file as it came with its packet.
    enum FileArrival {
        case none
        case descriptor(Int32)
        /// This process has no descriptor to spare.
        case lost
    }

    /// Handles everything that has arrived, up to the end of file if it is there; but no more than the socket can hold, or a sender
    /// that goes on would hold this process.
    package func receiveAll() {
        for _ in 0..<Self.packetsInASocket where isOpen {
            if receiveOne() == nil { return }
        }
    }

    private static let packetsInASocket = 16_384

    private func receive() {
        turns &+= 1
        // Mostly there is but one packet, and a second look would cost as much as the first: look now and then.
        var looksAgain = expectsMore || turns & 15 == 0
        var (packets, bytes) = (0, 0)
        repeat {
            guard let count = receiveOne() else {
                if packets > 0 { expectsMore = false }
                return
            }
            packets += 1
            bytes += count
            if packets > 1 { expectsMore = true }
            looksAgain = looksAgain || count > SendingState.packetByteCount / 2
        } while looksAgain && packets < Self.packetsPerTurn && bytes < Self.bytesPerTurn && isOpen
    }

    /// - Returns: the packet's size, or nil when there was none.
    private func receiveOne() -> Int? {
        // What the handlers do may lead here again, so each round has a buffer of its own.
        let bytes = buffer.take()
        defer { buffer.giveBack(bytes) }
        let withDescriptors = expectsDescriptor
        expectsDescriptor = false
        switch PacketSocket.receive(into: bytes, on: descriptor, withDescriptors: withDescriptors) {
        case .packet(let count, let descriptors):
            handle(bytes, count, descriptors)
            return count
        case .oversized:
            onMalformed("a packet was longer than \(bytes.count) bytes")
            return bytes.count
        case .nothingYet:
            expectsDescriptor = withDescriptors
            return nil
        case .end:
            close()
            onEnd()
            return nil
        }
    }

    private func handle(_ bytes: ByteStorage, _ count: Int, _ descriptors: ReceivedDescriptors) {
        do throws(Packet.Malformed) {
            let kind = try Packet.kind(of: bytes, count: count)
            if kind == .messages {
                let messages = Packet.headerByteCount..<count
                if descriptors.isEmpty { return onMessages(bytes, messages, .none) }
                if let file = descriptors.only { return onMessages(bytes, messages, .descriptor(file)) }
                descriptors.close()
                return onMessages(bytes, messages, .lost)
            }
            if kind.bringsDescriptor {
                let packet = try Packet(decoding: bytes.array(0..<count))
                if descriptors.only == nil { descriptors.close() }
                return onDescriptor(packet, descriptors.only ?? -1)
            }
            descriptors.close()
            let packet = try Packet(decoding: bytes.array(0..<count))
            switch kind {
            case .filesTaken: filesTaken(packet)
            case .descriptorNext:
                expectsDescriptor = true
                onDescriptorNext()
            default: onPacket(packet)
            }
        } catch {
            descriptors.close()
            onMalformed(error.description)
        }
    }
}

/// Where packets arrive: one for a process, however many channels it has. It is lent out whole.
package final class ReceiveBuffer {
    /// For packets that are copied out at once.
    package var bytes = [UInt8](repeating: 0, count: Packet.maximumByteCount)
    private var free: ByteStorage?

    package init() {}

    /// Memory that nothing else reads: a decoder that a message's type has kept has its bytes for itself.
    func take() -> ByteStorage {
        if isKnownUniquelyReferenced(&free), let kept = free.take() { return kept }
        return ByteStorage(count: Packet.maximumByteCount)
    }

    func giveBack(_ taken: ByteStorage) { free = taken }
}
