// Lines of the access log: what is counted where there is one, and what a line says of it. Nothing here runs without one.
// Process: worker · Thread: loop

extension Connection {
    /// Counts a response that is complete, or wholly in this worker's memory.
    /// - Parameters:
    ///   - response: the one, where its content came with it.
    ///   - streaming: else, what was sent of its content.
    @inline(never)
    func count(_ status: Int, for exchange: Exchange, _ response: CheckedResponse?, _ streaming: StreamingResponse?, in log: AccessLog) {
        var sent = streaming?.contentByteCount ?? 0
        if let response, exchange.head.method != .head, ResponseEncoder.allowsContent(status), case .length(let length) = response.length { sent = length }
        log.count(LogEntry(head: exchange.head, start: exchange.start, status: status, sent: sent), from: peer)
    }

    /// What can be said of a head that isn't sound, or isn't whole.
    func entry(ofUnread bytes: some Collection<UInt8>) -> LogEntry {
        LogEntry(unread: service.accessLog == nil ? [] : Array(bytes.prefix(LogEntry.longestUnread)), start: life.readAt)
    }

    /// The connection ends while a request is in flight: its status where a response had begun, 499 where none had.
    func noteAborted(_ exchange: Exchange, _ streaming: StreamingResponse?) {
        guard let log = service.accessLog else { return }
        var entry = LogEntry(
            head: exchange.head, start: exchange.start, status: streaming?.status ?? 499, sent: streaming?.contentByteCount ?? 0)
        entry.isAborted = true
        log.note(entry, from: peer)
    }
}
