// A message to be sent, and where it is counted. In master and workers.

internal import EverycoreLoop
package import EverycoreStatistics

/// A message that was encoded before it is known when it leaves, or for whom.
struct OutgoingMessage {
    var kind: MessageRecord.Kind
    var flags: MessageRecord.Flags
    var name: String
    var request: UInt64 = 0
    var route: MessageRecord.Route?
    var payload: [UInt8]
    /// Large payloads are put into a file once, for however many receivers.
    var file: SealedFile?

    init(
        kind: MessageRecord.Kind, flags: MessageRecord.Flags, name: String, request: UInt64 = 0,
        route: MessageRecord.Route?, _ payload: [UInt8]
    ) throws(MessageError) {
        self.kind = kind
        self.flags = flags.intersection(.raw)
        self.name = name
        self.request = request
        self.route = route
        self.payload = payload
        guard payload.count > Channel.inlineLimit else { return }
        do throws(SystemError) { file = try SealedFile(payload.span) } catch { throw .system(error) }
        self.payload = []
    }

    /// One whose file has arrived already.
    init(kind: MessageRecord.Kind, flags: MessageRecord.Flags, name: String, route: MessageRecord.Route?, file: SealedFile) {
        self.kind = kind
        self.flags = flags.intersection(.raw)
        self.name = name
        self.route = route
        payload = []
        self.file = file
    }
}

/// Where an end of a conversation counts its messages: in the worker's shared page, whichever side writes.
package struct MessageTally {
    let figures: WorkerFigures
    /// The worker counts what goes and comes; nil in the master.
    let sent: Counter?
    let received: Counter?
    let refused: Counter
    let undecodable: Counter

    package static func worker(_ figures: WorkerFigures) -> MessageTally {
        MessageTally(
            figures: figures, sent: .messagesSent, received: .messagesReceived, refused: .messagesRefused,
            undecodable: .messagesUndecodable)
    }

    package static func master(_ figures: WorkerFigures) -> MessageTally {
        MessageTally(
            figures: figures, sent: nil, received: nil, refused: .messagesRefusedByMaster,
            undecodable: .messagesUndecodableByMaster)
    }

    @inline(__always)
    func add(_ counter: Counter?) {
        if let counter { figures.add(counter, 1) }
    }
}
