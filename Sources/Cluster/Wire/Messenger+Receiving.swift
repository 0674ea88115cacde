// What arrives at one end of a conversation: records are taken from a packet one by one and brought to their handlers.
// In master and workers. A record that is damaged ends its packet and nothing else.

internal import EverycoreLoop
internal import Glibc

extension Messenger {
    func receive(_ bytes: ByteStorage, _ messages: Range<Int>, _ file: Channel.FileArrival) {
        var file = file
        var offset = messages.lowerBound
        while offset < messages.upperBound, channel.isOpen {
            do throws(MessageRecord.Malformed) {
                let record = try MessageRecord(in: bytes, at: &offset, end: messages.upperBound)
                receive(record, bytes, &file)
            } catch {
                fail("", .damaged(error.description))
                break
            }
        }
        // A descriptor that no record asked for.
        if case .descriptor(let descriptor) = file {
            _ = close(descriptor)
            fail("", .damaged("a packet brought a descriptor that nothing in it speaks of"))
        }
    }

    private func receive(_ record: MessageRecord, _ bytes: ByteStorage, _ file: inout Channel.FileArrival) {
        guard record.flags.contains(.inFile) else {
            guard let name = name(of: record, bytes) else { return fail("", .damaged("its type has an unknown number")) }
            return dispatch(record, name, WireInput(bytes, record.payload), nil)
        }
        defer { tookFile() }
        let arrived = file
        file = .none
        guard let name = name(of: record, bytes) else {
            if case .descriptor(let descriptor) = arrived { _ = close(descriptor) }
            return fail("", .damaged("its type has an unknown number"))
        }
        guard case .descriptor(let descriptor) = arrived else {
            if case .lost = arrived { return fail(name.text, .damaged("its file found no free descriptor in this process")) }
            return fail(name.text, .damaged("its file did not come along"))
        }
        guard let sealed = SealedFile(received: descriptor, byteCount: record.byteCount) else {
            return fail(name.text, .damaged("its file is not sealed, or not as long as it says"))
        }
        guard record.byteCount <= channel.options.maximumByteCount else {
            return fail(name.text, .damaged("it takes \(record.byteCount) bytes, \(channel.options.maximumByteCount) are allowed"))
        }
        if record.flags.contains(.routed), record.kind == .message, sender(record) == nil {
            return dispatch(record, name, WireInput(ByteStorage(count: 0)), sealed)
        }
        do throws(SystemError) {
            dispatch(record, name, WireInput(try sealed.read()), nil)
        } catch {
            fail(name.text, .damaged(error.description))
        }
    }

    /// The sender may send another large message.
    private func tookFile() {
        try? channel.send(control: Packet(.filesTaken, number: 1))
    }

    /// Nil when the number stands for nothing.
    @inline(__always)
    private func name(of record: MessageRecord, _ bytes: ByteStorage) -> IncomingName<Sender>? {
        if let range = record.name { return newName(record, bytes, range) }
        let number = Int(record.number)
        return incoming.indices.contains(number) ? incoming[number] : nil
    }

    private func newName(_ record: MessageRecord, _ bytes: ByteStorage, _ range: Range<Int>) -> IncomingName<Sender>? {
        let name = IncomingName<Sender>(bytes.text(range))
        guard record.number != MessageRecord.noNumber else { return name }
        // Numbers are given one after the other, so that no sender can make this table large.
        guard Int(record.number) == incoming.count, incoming.count < OutgoingNames.limit,
            range.count <= OutgoingNames.byteLimit - incomingByteCount
        else { return nil }
        incomingByteCount += range.count
        incoming.append(name)
        return name
    }

    private func dispatch(
        _ record: MessageRecord, _ name: IncomingName<Sender>, _ payload: WireInput, _ file: SealedFile?
    ) {
        if name.version != handlers.version {
            name.handlers = handlers.named(name.text)
            name.version = handlers.version
        }
        switch record.kind {
        case .message:
            tally.add(tally.received)
            guard let sender = sender(record) else { return passOn(record, name, payload, file) }
            deliver(record, name, payload, sender)
        case .request:
            tally.add(tally.received)
            guard record.route == nil, let sender = peer else { return }
            answer(record, name, payload, sender)
        case .reply:
            finish(record.request, .success(payload))
        case .failure:
            finish(record.request, .failure(RemoteFailure.error(in: payload, type: name.text)))
        case .undelivered:
            fail(name.text, .undelivered(slot: Int(record.route?.slot ?? -1), payload.wholeText))
        }
    }

    @inline(__always)
    private func sender(_ record: MessageRecord) -> Sender? {
        if let route = record.route { return author(route) }
        return peer
    }

    @inline(__always)
    private func deliver(_ record: MessageRecord, _ name: IncomingName<Sender>, _ payload: WireInput, _ sender: Sender) {
        guard let handlers = name.handlers else { return fail(name.text, .noHandler, from: sender) }
        if record.flags.contains(.raw) {
            guard !handlers.bytes.isEmpty else { return fail(name.text, .noHandler, from: sender) }
            unsafe payload.bytes.withBytes(payload.start..<payload.end) { bytes in
                for handler in handlers.bytes { handler(unsafe bytes.span, sender) }
            }
            return
        }
        guard !handlers.values.isEmpty else { return fail(name.text, .noHandler, from: sender) }
        do {
            for values in handlers.values { try values.deliver(payload, from: sender) }
        } catch {
            fail(name.text, .undecodable("\(error)"), from: sender)
        }
    }

    /// From one worker to others. The bytes stay as they are; a file is passed on as it came.
    private func passOn(_ record: MessageRecord, _ name: IncomingName<Sender>, _ payload: WireInput, _ file: SealedFile?) {
        guard let route = record.route else { return fail(name.text, .damaged("it names no receiver")) }
        let flags = record.flags
        if let file {
            return passOn(OutgoingMessage(kind: .message, flags: flags, name: name.text, route: nil, file: file), route)
        }
        do throws(MessageError) {
            let message = try OutgoingMessage(
                kind: .message, flags: flags, name: name.text, route: nil, payload.wholeBytes)
            passOn(message, route)
        } catch {
            fail(name.text, .damaged("it could not be passed on: \(error)"))
        }
    }

    /// A message that reached no handler.
    /// - Parameter author: who sent it, where that isn't the other side.
    func fail(_ type: String, _ reason: MessageFailure.Reason, from author: Sender? = nil) {
        if case .undelivered = reason {} else if channel.isOpen { tally.add(tally.undecodable) }
        let failure = MessageFailure(type: type, reason: reason)
        onFailure(failure, author)
        guard !handlers.onFailure.isEmpty, let sender = author ?? peer else { return }
        for handler in handlers.onFailure { handler(failure, sender) }
    }
}
