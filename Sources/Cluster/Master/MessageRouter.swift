// Messages that come to the master: for its own handlers, or for other workers.
// Process: master · Thread: loop

internal import EverycoreLoop
internal import Logging

final class MessageRouter {
    private let context: MasterContext
    private let pool: WorkerPool
    private var failures = 0

    init(_ context: MasterContext, pool: WorkerPool) {
        self.context = context
        self.pool = pool
    }

    var loop: EventLoop { context.loop }
    var byteLimit: Int { context.options.messages.maximumByteCount }

    func connect(_ child: Child) {
        let messenger = child.handle.messenger
        messenger.peer = child.handle
        messenger.passOn = { [unowned self, unowned child] message, route in passOn(message, route, from: child) }
        messenger.onFailure = { [unowned self, unowned child] failure, _ in
            failures += 1
            guard failures.isWorthALine else { return }
            context.log(
                .warning, .messageIgnored, "a message was ignored", about: child,
                [
                    "type": "\(LogText.plain(failure.type))", "reason": "\(LogText.plain("\(failure.reason)"))", "ignored": "\(failures)",
                ])
        }
    }

    /// The newest connected worker of each slot: while one drains, its successor is there already.
    var reachableWorkers: [WorkerHandle] {
        var newest: [Int: WorkerHandle] = [:]
        for child in pool.children.values where child.handle.slot >= 0 && child.channel.isOpen {
            let known = newest[child.handle.slot]?.generation ?? 0
            if child.generation > known { newest[child.handle.slot] = child.handle }
        }
        return newest.values.sorted { $0.slot < $1.slot }
    }

    func reachableWorker(_ slot: Int) -> WorkerHandle? {
        let candidates = pool.children.values.filter { slot >= 0 && $0.handle.slot == slot && $0.channel.isOpen }
        return candidates.max { $0.generation < $1.generation }?.handle
    }

    func send(_ message: OutgoingMessage, to workers: [WorkerHandle]) -> [(worker: WorkerHandle, error: MessageError)] {
        var refused: [(worker: WorkerHandle, error: MessageError)] = []
        for worker in workers {
            do throws(MessageError) {
                try worker.messenger.send(message)
            } catch {
                refused.append((worker, error))
            }
        }
        return refused
    }

    /// From one worker to another, or to all others. The sender gets a notice for each that it didn't reach.
    private func passOn(_ message: OutgoingMessage, _ route: MessageRecord.Route, from child: Child) {
        var message = message
        message.route = MessageRecord.Route(
            slot: Int32(clamping: child.handle.slot), generation: UInt32(clamping: child.generation))
        guard route == .all else {
            guard let receiver = reachableWorker(Int(route.slot)) else {
                return refuse(message, slot: route.slot, "no worker of this slot is connected", to: child)
            }
            return passOn(message, to: receiver, from: child)
        }
        for receiver in reachableWorkers where receiver !== child.handle && receiver.slot != child.handle.slot {
            passOn(message, to: receiver, from: child)
        }
    }

    private func passOn(_ message: OutgoingMessage, to receiver: WorkerHandle, from child: Child) {
        do throws(MessageError) {
            try receiver.messenger.send(message)
        } catch {
            refuse(message, slot: Int32(clamping: receiver.slot), error.description, to: child)
        }
    }

    private func refuse(_ message: OutgoingMessage, slot: Int32, _ reason: String, to child: Child) {
        context.log(.debug, .messageNotForwarded, "a message to another worker was not forwarded", about: child, ["to": "\(slot)", "reason": "\(reason)"])
        // Smaller than the message, and with a higher bound of the queue; a sender that reads nothing gets none.
        if let notice = try? OutgoingMessage(
            kind: .undelivered, flags: [], name: message.name, route: .init(slot: slot, generation: 0), Array(reason.utf8))
        {
            try? child.handle.messenger.post(notice, bound: .reply)
        }
    }
}
