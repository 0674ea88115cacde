// How packets leave: messages of one turn of the loop are gathered into one packet, large ones travel in sealed files, and
// what the socket doesn't take waits in a bounded queue. Either side of a channel, on its process's loop.

internal import EverycoreLoop
internal import Glibc

extension Channel {
    // MARK: Messages

    /// The largest payload that travels in a packet.
    static var inlineLimit: Int { Packet.maximumByteCount - Packet.headerByteCount - MessageRecord.longestName - 64 }

    /// How much of the queue a packet may use.
    enum Bound {
        case message
        /// Room above that of messages: a reply that finds none can't be reported.
        case reply
    }

    /// Gathers one message. It leaves at the end of this turn of the loop, or when the packet is full.
    func post(_ header: MessageRecord.Header, _ payload: Span<UInt8>, bound: Bound = .message) throws(MessageError) {
        let size = header.byteCount + payload.count
        try makeRoom(for: size, bound)
        let batch = sending.batch
        if unsafe batch.count == 0 { batch.append(number: Packet.header(.messages)) }
        header.append(to: batch, payloadByteCount: payload.count)
        unsafe payload.withUnsafeBytes { unsafe batch.append($0) }
        sending.batchCount += 1
        if unsafe sending.batch.count >= SendingState.packetByteCount, !sending.isBlocked {
            sendBatch()
        } else if !sending.isTurnActive {
            activateTurn()
        }
    }

    /// Sends a message whose payload is in a file.
    func post(_ header: MessageRecord.Header, in file: SealedFile, bound: Bound = .message) throws(MessageError) {
        guard hasRoom(forFile: file.byteCount, bound) else { throw .queueFull }
        try makeRoom(for: header.byteCount, bound)
        sendBatch()
        let bytes = GrowingBytes()
        bytes.append(number: Packet.header(.messages))
        header.append(to: bytes, payloadByteCount: file.byteCount)
        try transmit(WaitingPacket(bytes: bytes.bytes, messages: 1, file: file))
        sending.files.append(file.byteCount)
        sending.fileByteCount += file.byteCount
    }

    private func hasRoom(forFile byteCount: Int, _ bound: Bound) -> Bool {
        let (files, bytes) = (sending.files.count, sending.fileByteCount)
        if bound == .reply { return files < 2 * SendingState.fileLimit }
        return files == 0 || (files < SendingState.fileLimit && byteCount <= options.maximumByteCount - min(bytes, options.maximumByteCount))
    }

    func filesTaken(_ packet: Packet) {
        guard let count = packet.numbered?.number else { return }
        for size in sending.files.prefix(Int(count)) { sending.fileByteCount -= size }
        sending.files.removeFirst(min(Int(count), sending.files.count))
        serveWaiters()
    }

    private func makeRoom(for byteCount: Int, _ bound: Bound) throws(MessageError) {
        guard isOpen, !sending.peerIsGone else { throw .disconnected }
        // Nothing overtakes the senders that wait.
        if bound == .message, !sending.waiters.isEmpty, !sending.isServingWaiters { throw .queueFull }
        if unsafe sending.batch.count + byteCount > Packet.maximumByteCount { closeBatch() }
        if isFull(for: byteCount, bound) {
            guard !sending.isBlocked else { throw .queueFull }
            sendBatch()
            guard !sending.peerIsGone else { throw .disconnected }
            if isFull(for: byteCount, bound) { throw .queueFull }
        }
    }

    private func isFull(for byteCount: Int, _ bound: Bound) -> Bool {
        let allowance = bound == .reply ? 2 : 1
        let bytes = unsafe sending.waitingByteCount + sending.batch.count
        return sending.waitingCount + sending.batchCount >= options.queueCount.multipliedUpToLimit(by: allowance)
            || (bytes > 0 && byteCount > options.queueByteCount.multipliedUpToLimit(by: allowance) - bytes)
    }

    // MARK: The cluster's own packets

    /// A packet of the cluster's own; these are few and find room above that of messages. A side that reads none of them gets no more.
    package func send(control packet: Packet) throws(MessageError) {
        guard isOpen, !sending.peerIsGone else { throw .disconnected }
        guard sending.ownWaitingCount < SendingState.ownPacketLimit else { throw .queueFull }
        sendBatch()
        try transmit(WaitingPacket(bytes: packet.encoded(), messages: 0, file: nil))
    }

    /// With a descriptor, of which the receiver gets a copy.
    func send(control packet: Packet, with descriptor: OwnedDescriptor) throws(MessageError) {
        guard isOpen, !sending.peerIsGone else { throw .disconnected }
        sendBatch()
        try transmit(WaitingPacket(bytes: packet.encoded(), messages: 0, file: descriptor))
    }

    /// A packet of the cluster's own that leaves now or not at all.
    /// - Returns: whether it did.
    func sendNow(_ packet: Packet) -> Bool {
        guard isOpen, !sending.peerIsGone else { return false }
        sendBatch()
        guard !sending.isBlocked, case .sent = PacketSocket.send(packet.encoded(), on: descriptor) else { return false }
        return true
    }

    /// A packet of the cluster's own that may be refused like a message.
    func send(bulk packet: Packet) throws(MessageError) {
        if isFull(for: packet.payload.count, .message) { throw .queueFull }
        try send(control: packet)
    }

    // MARK: Packets

    private func activateTurn() {
        sending.isTurnActive = true
        if let turn = sending.turn { return turn.activate() }
        let turn = LoopTurn(loop: loop) { [unowned self] in
            sending.isTurnActive = false
            if !sending.isBlocked { sendBatch() }
        }
        sending.turn = turn
        turn.activate()
    }

    /// Sends what was gathered, or lines it up.
    package func sendBatch() {
        guard sending.batchCount > 0, isOpen else { return }
        if sending.isBlocked { return closeBatch() }
        switch unsafe sending.batch.withBytes({ unsafe PacketSocket.send($0, on: descriptor) }) {
        case .sent:
            sending.batch.reset(keeping: 2 * SendingState.packetByteCount)
            sending.batchCount = 0
        case .full, .tooLarge:
            closeBatch()
        case .peerGone:
            losePeer()
        }
    }

    /// The packet is complete and waits.
    private func closeBatch() {
        guard sending.batchCount > 0 else { return }
        let (bytes, count) = (sending.batch.bytes, sending.batchCount)
        sending.batch.reset(keeping: 2 * SendingState.packetByteCount)
        sending.batchCount = 0
        lineUp(WaitingPacket(bytes: bytes, messages: count, file: nil))
    }

    private func transmit(_ packet: WaitingPacket) throws(MessageError) {
        if !sending.isBlocked {
            switch send(packet) {
            case .sent: return
            case .tooLarge: throw .tooLarge(limit: Packet.maximumByteCount)
            case .peerGone:
                losePeer()
                throw .disconnected
            case .full: break
            }
        }
        lineUp(packet)
    }

    private func send(_ packet: WaitingPacket) -> PacketSocket.SendResult {
        guard let file = packet.file else { return PacketSocket.send(packet.bytes, on: descriptor) }
        // Announced again when only this much found room: that does no harm.
        let announced = PacketSocket.send(Packet(.descriptorNext).encoded(), on: descriptor)
        guard case .sent = announced else { return announced }
        return PacketSocket.send(packet.bytes, with: file.descriptor, on: descriptor)
    }

    private func lineUp(_ packet: WaitingPacket) {
        sending.lineUp(packet)
        watchForRoom()
    }

    private func watchForRoom() {
        if let writeWatch = sending.writeWatch { return writeWatch.resume() }
        // Without a watch the packets go with the next ones, or at the flush.
        sending.writeWatch = try? loop.watch(descriptor, for: .write) { [unowned self] _ in hasRoom() }
    }

    private func hasRoom() {
        let before = sending.waitingByteCount
        sendWaiting()
        if sending.isBlocked, sending.waitingByteCount == before {
            // The socket has room and still takes nothing: the kernel lacks something else. Don't spin until it has it.
            sending.writeWatch?.pause()
            sending.retry = loop.after(.milliseconds(10)) { [unowned self] in
                guard sending.isBlocked else { return }
                sendWaiting()
                if sending.isBlocked { watchForRoom() }
                serveWaiters()
            }
        }
        serveWaiters()
    }

    private func sendWaiting() {
        while sending.isBlocked {
            // When the other side is gone the end of file comes next; there is nothing to keep packets for.
            if case .full = send(sending.waiting[sending.firstWaiting]) { return }
            sending.sentFirst()
        }
        sendBatch()
        if !sending.isBlocked { sending.writeWatch?.pause() }
    }

    private func losePeer() {
        sending.peerIsGone = true
        sending.batch.reset(keeping: 0)
        sending.batchCount = 0
    }

    /// Sends what waits, until the time is up. Runs in a worker that ends, when the loop no longer turns.
    package func flush(until deadline: UInt64) {
        guard isOpen else { return }
        sendWaiting()
        while sending.isBlocked {
            let now = EventLoop.monotonicNanoseconds()
            guard now < deadline else { return }
            PacketSocket.waitForRoom(
                on: descriptor, milliseconds: Int32(clamping: (deadline - now) / 1_000_000 + 1))
            sendWaiting()
        }
    }

    /// In a child that inherited the channel: closes copies of files. Those who wait are another process's.
    func dropInherited() {
        let waiters = sending.waiters
        sending.clear()
        sending.waiters = waiters
    }

    func stopSending() {
        sending.writeWatch?.cancel()
        sending.turn?.cancel()
        sending.retry?.cancel()
        let waiters = sending.waiters
        sending.clear()
        for waiter in waiters { _ = waiter.attempt(.disconnected) }
    }
}
