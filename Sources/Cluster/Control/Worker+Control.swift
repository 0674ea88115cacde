// The auxiliary's side of the orders: it hands each to the master, with the connection that it came on, and takes the answer.
// Process: worker · Thread: loop

internal import CEverycorePosix
internal import EverycoreLoop
internal import Glibc
internal import Logging

/// Orders that the master has not ended yet.
struct PendingOrders {
    struct Entry {
        var data: [UInt8] = []
        let progress: (String) -> Void
        let done: (ControlOutcome) -> Void
    }

    var last: UInt32 = 0
    var entries: [UInt32: Entry] = [:]

    static let limit = 64
}

extension Worker {
    /// Has the master carry out an order.
    /// - Parameters:
    ///   - connection: the one that the order came on: the master asks the kernel who is at its other end. It stays the caller's.
    ///   - progress: called for each thing that is waited for.
    ///   - done: called once, unless this process ends before.
    package func order(
        _ order: ControlOrder, of connection: Int32, progress: @escaping (String) -> Void, done: @escaping (ControlOutcome) -> Void
    ) {
        func fail(_ reason: String) { done(ControlOutcome(isDone: false, message: reason)) }
        guard orders.entries.count < PendingOrders.limit else { return fail("\(PendingOrders.limit) orders are under way already") }
        guard let bytes = try? WireEncoder(sizeLimit: ControlOrder.byteLimit).encode(order) else { return fail("the order is too long") }
        let copy = cposix_duplicate(connection)
        guard copy >= 0 else { return fail("the \(name) process has no descriptor to spare") }
        orders.last &+= 1
        let number = orders.last
        do throws(MessageError) {
            try channel.send(control: Packet(.order, number: number, and: bytes), with: OwnedDescriptor(copy))
        } catch {
            return fail("the master can't be reached: \(error)")
        }
        orders.entries[number] = PendingOrders.Entry(progress: progress, done: done)
    }

    func receiveOrderReply(_ packet: Packet) {
        guard let (number, bytes) = packet.numbered, let entry = orders.entries[number],
            let reply = try? WireDecoder().decode(ControlReply.self, from: Array(bytes))
        else { return }
        switch reply {
        case .progress(let text):
            entry.progress(text)
        case .data(let piece):
            guard entry.data.count <= ControlReply.dataByteLimit - piece.count else { return }
            orders.entries[number]?.data += piece
        case .end(let isDone, let message):
            orders.entries[number] = nil
            let data = entry.data.isEmpty ? nil : String(validating: entry.data, as: UTF8.self)
            entry.done(ControlOutcome(isDone: isDone, message: message, data: data))
        }
    }
}
