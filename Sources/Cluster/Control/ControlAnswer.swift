// The answer to one order: what is waited for, and the end. Made by the desk, given to the verb's handler, which keeps it until the order is
// carried out. The order itself goes on when the asker has gone.
// Process: master · Thread: loop

internal import EverycoreLoop

final class ControlAnswer {
    private let send: (ControlReply) -> Bool
    private let onEnd: (ControlOutcome) -> Void
    private var deadline: LoopTimer?
    private var lastProgress = ""
    private(set) var isOver = false
    let startedAt = EventLoop.monotonicNanoseconds()

    /// - Parameters:
    ///   - send: false when the asker can't be told.
    ///   - onEnd: called once.
    init(send: @escaping (ControlReply) -> Bool, onEnd: @escaping (ControlOutcome) -> Void = { _ in }) {
        self.send = send
        self.onEnd = onEnd
    }

    /// Ends it with a failure when nothing else has: no order may occupy its place for ever.
    func limit(_ deadline: LoopTimer) { self.deadline = deadline }

    /// Says what is waited for. The same text once more says nothing.
    func progress(_ text: String) {
        guard !isOver, text != lastProgress else { return }
        lastProgress = text
        _ = send(.progress(text))
    }

    /// The order is carried out.
    /// - Parameter data: a text of JSON.
    func done(_ message: String, data: String? = nil) { end(ControlOutcome(isDone: true, message: message, data: data)) }

    /// It was refused, has failed, or was rolled back.
    func failed(_ reason: String, data: String? = nil) { end(ControlOutcome(isDone: false, message: reason, data: data)) }

    /// A handler that has lost it has failed.
    deinit { failed("the order was dropped") }

    /// Since the order came, as it is said: `0.4 s`.
    var elapsed: String { Duration.from(startedAt, to: EventLoop.monotonicNanoseconds()).inSpokenSeconds }

    private func end(_ outcome: ControlOutcome) {
        guard !isOver else { return }
        isOver = true
        deadline = nil
        var rest = Array((outcome.data ?? "").utf8)[...]
        var isSent = rest.count <= ControlReply.dataByteLimit
        while isSent, !rest.isEmpty {
            isSent = send(.data(Array(rest.prefix(ControlReply.pieceByteCount))))
            rest = rest.dropFirst(ControlReply.pieceByteCount)
        }
        _ =
            isSent
            ? send(.end(isDone: outcome.isDone, message: outcome.message))
            : send(.end(isDone: false, message: "the answer is too long: \(outcome.message)"))
        onEnd(outcome)
    }
}

extension Duration {
    /// With one decimal: `0.4 s`.
    var inSpokenSeconds: String {
        let tenths = (Int(wholeMilliseconds) + 50) / 100
        return "\(tenths / 10).\(tenths % 10) s"
    }
}
