// What an exchange and the service know of a connection, whatever its transport and its protocol.
// Process: worker · Thread: loop

/// The other side of an exchange whose response comes later. No call comes while the connection is at work itself.
protocol ExchangeOwner: AnyObject {
    var descriptor: Int32 { get }
    var isBlocked: Bool { get }
    /// A response that has begun and not ended.
    var streaming: StreamingResponse? { get }

    func respond(to exchange: Exchange, _ response: CheckedResponse)
    func writeContent(_ bytes: RawSpan)
    func endContent()
    /// Ends a response in its middle.
    func breakOff()
    /// The exchange has a collector for the request's content, or resumes it after a pause.
    func contentIsWanted()
}

/// A connection in the service's table.
protocol ServedConnection: ExchangeOwner {
    var slot: Int { get }
    /// How many requests it has had answered, those before it came to this process counted as one.
    var requestsServed: Int { get }
    var isClosed: Bool { get }
    /// Between two requests of a kept connection.
    var isIdle: Bool { get }
    /// Nothing of its next head has come, or a part.
    var awaitsHead: Bool { get }
    var canBePassedOn: Bool { get }

    func start()
    func deadlinePassed(_ now: UInt64)
    func holding(at now: UInt64) -> Holding?
    func giveUp(_ now: UInt64)
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
}
