// How a process asks the master for the stacks of all workers.
// Process: worker · Thread: loop

internal import EverycoreLoop
internal import Glibc
internal import Logging

struct StackQuestions {
    var last: UInt32 = 0
    var pending: [UInt32: (done: ([UInt8]?) -> Void, timeout: LoopTimer)] = [:]

    /// More than the stacks of all workers take.
    static let byteLimit = 64 << 20

    /// An answer answers all questions that were asked before its own. Numbers wrap around.
    mutating func take(answeredBy number: UInt32) -> [([UInt8]?) -> Void] {
        let answered = pending.keys.filter { Int32(bitPattern: number &- $0) >= 0 }
        return answered.compactMap { pending.removeValue(forKey: $0)?.done }
    }
}

extension Worker {
    /// Asks the master for the stacks of all workers as they are now: a signal interrupts each of them for that.
    /// - Parameter done: called on the loop, once, with a text of JSON; with nil when the master hasn't answered within ten seconds.
    package func requestStacks(_ done: @escaping ([UInt8]?) -> Void) {
        stackQuestions.last &+= 1
        let number = stackQuestions.last
        do throws(MessageError) {
            try channel.send(bulk: Packet(.stacksRequest, number: number))
        } catch {
            logger.log(.warning, .figuresNotAsked, "could not ask the master for stacks", metadata: ["reason": "\(error)"])
            return done(nil)
        }
        let timeout = loop.after(.seconds(10)) { [unowned self] in
            stackQuestions.pending.removeValue(forKey: number)?.done(nil)
        }
        stackQuestions.pending[number] = (done, timeout)
    }

    /// - Parameter descriptor: of the file that came along, or -1.
    func receiveStacks(_ packet: Packet, _ descriptor: Int32) {
        let page = Self.page(packet, descriptor)
        guard let number = packet.numbered?.number else { return }
        for done in stackQuestions.take(answeredBy: number) { done(page) }
    }

    /// Closes the descriptor.
    private static func page(_ packet: Packet, _ descriptor: Int32) -> [UInt8]? {
        guard descriptor >= 0 else { return nil }
        guard let rest = packet.numbered?.rest, let count = Packet.number(in: rest).map({ Int($0) }), count <= StackQuestions.byteLimit else {
            _ = Glibc.close(descriptor)
            return nil
        }
        guard let bytes = try? SealedFile(received: descriptor, byteCount: count)?.read() else { return nil }
        return bytes.array(0..<bytes.count)
    }
}
