// The exchange of the next request: one for all, until a handler or a connection keeps it.
// Process: worker · Thread: loop

extension HTTPService {
    /// Calls with an exchange that is as new.
    @inline(__always)
    func withExchange<Result>(_ body: (Exchange) -> Result) -> Result {
        let exchange = unsafe exchangeReference ?? makeExchange()
        return unsafe exchange._withUnsafeGuaranteedRef(body)
    }

    @inline(never)
    private func makeExchange() -> Unmanaged<Exchange> {
        let made = Exchange(service: self)
        unsafe nextExchange = made
        let reference = unsafe Unmanaged.passUnretained(made)
        unsafe exchangeReference = reference
        return unsafe reference
    }

    @inline(__always)
    var ownsExchangeAlone: Bool { unsafe isKnownUniquelyReferenced(&nextExchange) }

    /// Makes the exchange as new, or leaves it to a handler that keeps it. The connection may have it for its request still.
    @inline(never)
    func recycleExchange(unlessHeldBy connection: ConnectionState) {
        guard unsafe nextExchange != nil, unsafe connection.exchange !== nextExchange else { return }
        if ownsExchangeAlone { return unsafe nextExchange?.recycle() ?? () }
        unsafe nextExchange?.head.detach()
        unsafe (nextExchange, exchangeReference) = (nil, nil)
    }

    /// The connection keeps it beyond the batch.
    func leaveExchange(_ exchange: Exchange) {
        if unsafe nextExchange === exchange { unsafe (nextExchange, exchangeReference) = (nil, nil) }
    }
}
