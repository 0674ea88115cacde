// What an exchange and the service know of a connection, whatever its transport and its protocol.
// Process: worker · Thread: loop

/// The other side of an exchange: takes its response, and gives it the request's content.
protocol ExchangeOwner: AnyObject {
    var isBlocked: Bool { get }
    var streaming: StreamingResponse? { get }

    func respond(
        to exchange: Exchange, status: Int, contentType: StaticString?, fields: [(name: String, value: String)],
        prepared: PreparedFields?, body: RawSpan
    ) throws(ResponseEncoder.Failure)

    func respond(
        to exchange: Exchange, status: Int, contentType: StaticString?, fields: [(name: String, value: String)],
        prepared: PreparedFields?, file: FileTransfer
    ) throws(ResponseEncoder.Failure)

    func beginResponse(
        to exchange: Exchange, status: Int, contentType: StaticString?, fields: [(name: String, value: String)], length: UInt64?
    ) throws(ResponseEncoder.Failure)

    func writeContent(_ bytes: RawSpan)
    func endContent(of exchange: Exchange)
    /// Ends a response in its middle.
    func breakOff()
    /// The exchange has a collector for the request's content, or wants to go on after a pause.
    func bodyIsWanted()
    /// Another process is to respond. False where the connection can't be moved.
    func divert(to mover: @escaping ConnectionMover) -> Bool
}

/// A connection in the service's table.
protocol ServedConnection: ExchangeOwner {
    var slot: Int { get }
    var descriptor: Int32 { get }
    /// How many requests it has had answered, those before it came to this process counted as one.
    var requestsServed: Int { get }
    var isClosed: Bool { get }
    /// Between two requests of a kept connection.
    var isIdle: Bool { get }
    /// Nothing of its next head has come, or a part.
    var awaitsHead: Bool { get }
    var canBePassedOn: Bool { get }

    func start()
    func writeOutput()
    func deadlinePassed(_ now: UInt64)
    func serviceDrains()
    func headIsOverdue(at now: UInt64) -> Bool
    func evict()
    func wasPassedOn()
}

extension Connection: ServedConnection {
    var descriptor: Int32 { unsafe transport.descriptor }
    var isBlocked: Bool { queue.isBlocked }
    var isClosed: Bool { phase == .closed }
    var requestsServed: Int { life.served }
    func writeOutput() { writeOutput(moreFollows: false) }
}
