// Responses that are sent piece by piece or from a file. Worker process, on the loop's thread.
// At most one write of a producer waits in memory; a file's bytes go from the page cache to the socket and never come here.

import EverycoreLoop
import EverycoreStatistics

extension Connection {
    func beginResponse(
        to exchange: Exchange, status: Int, contentType: StaticString?, fields: [(name: String, value: String)],
        length: UInt64?
    ) throws(ResponseEncoder.Failure) {
        guard streaming == nil else { return }
        let outcome = try encodeHead(
            of: exchange, status: status, contentType: contentType, fields: fields,
            content: length.map { .length($0) } ?? .unknownLength)
        let framing: StreamingResponse.Framing =
            switch outcome.body {
            case .omitted: .omitted
            case .chunked: .chunked
            case .identity: length.map { .length(remaining: $0) } ?? .untilClose
            }
        streaming = StreamingResponse(status: status, closes: outcome.closes, framing: framing)
        if case .untilClose = framing { ending.endsContent = true }
        // The time of a client that doesn't read earlier answers runs on, and so does that of content which is still to come.
        if !queue.isBlocked, phase != .body { stopTime() }
        if !isProcessing { flush() }
    }

    func writeContent(_ bytes: RawSpan) {
        guard let streaming, !bytes.isEmpty else { return }
        if !isProcessing { service.lendOutput() }
        switch streaming.framing {
        case .omitted:
            return
        case .length(let remaining):
            let count = min(UInt64(bytes.byteCount), remaining)
            guard count > 0 else { return }
            unsafe service.output.append(bytes.extracting(first: Int(count)))
            streaming.framing = .length(remaining: remaining - count)
        case .chunked:
            unsafe service.encoder.appendChunk(bytes, to: &service.output)
        case .untilClose:
            unsafe service.output.append(bytes)
        }
        streaming.inARow &+= bytes.byteCount &+ StreamBounds.writeCost
        let isTurnOver = streaming.inARow > StreamBounds.turnBound
        if !isProcessing || isTurnOver || (unsafe service.output.count > Self.outputBound) { flush() }
        guard isTurnOver, phase != .closed else { return }
        streaming.inARow = 0
        // A client that reads as fast as its content is made must not hold up the others.
        if !queue.isBlocked { standBack() }
    }

    /// Waits for the loop's next round as if the socket were full.
    func standBack() {
        queue.isBlocked = true
        waitForRoom()
    }

    func endContent(of exchange: Exchange) {
        guard let streaming else { return }
        if !isProcessing { service.lendOutput() }
        switch streaming.framing {
        case .length(let remaining) where remaining > 0:
            return breakOff()
        case .chunked:
            unsafe service.encoder.appendLastChunk(to: &service.output)
        case .omitted, .length, .untilClose:
            break
        }
        self.streaming = nil
        answered(exchange, status: streaming.status, closes: streaming.closes)
        streaming.wakeWaiters()
    }

    // MARK: Files

    func respond(
        to exchange: Exchange, status: Int, contentType: StaticString?, fields: [(name: String, value: String)],
        prepared: PreparedFields? = nil, file: FileTransfer
    ) throws(ResponseEncoder.Failure) {
        guard streaming == nil else { return }
        let outcome = try encodeHead(
            of: exchange, status: status, contentType: contentType, fields: fields, prepared: prepared,
            content: .length(UInt64(file.remaining)))
        let isWhole = outcome.body == .omitted || file.remaining == 0
        if isWhole || (file.remaining <= StreamBounds.copiedFileBound && appendFile(file)) {
            return answered(exchange, status: status, closes: outcome.closes)
        }
        let streaming = StreamingResponse(status: status, closes: outcome.closes, framing: .omitted)
        streaming.file = file
        self.streaming = streaming
        if !queue.isBlocked { setDeadline(0, from: 0) }
        flush(moreFollows: true)
        if phase != .closed, !queue.isBlocked { sendFile() }
    }

    /// Appends a small file to the output. False when it couldn't be read whole; nothing was appended then.
    private func appendFile(_ file: FileTransfer) -> Bool {
        let count = Int(file.remaining)
        return unsafe service.output.appendInPlace(count) { room in
            let read = unsafe file.read(into: room)
            return read == count ? count : 0
        } == count
    }

    /// Sends on, until the file's end or until the socket is full.
    func sendFile() {
        guard let streaming, let file = streaming.file else { return }
        if file.isCopied { return copyFile(file) }
        var portions = 0
        while file.remaining > 0 {
            // A client that reads as fast as this sends must not hold up the others.
            portions &+= 1
            if portions > StreamBounds.portionsInARow { return standBack() }
            let portion = Int(min(file.remaining, StreamBounds.filePortion))
            switch unsafe transport.sendFile(file.descriptor, at: file.offset, count: portion) {
            case .bytes(let count):
                service.figures.add(.bytesOut, UInt64(count))
                queue.sent(count)
                file.advance(count)
                // The socket is full: another call would only say so.
                if count < portion { return standBack() }
            case .notNow: return standBack()
            // The file has become shorter than announced: only a close tells the client.
            case .ended: return closeNow(.incomplete)
            case .refused, .failed:
                file.isCopied = true
                return copyFile(file)
            }
        }
        fileIsSent()
    }

    /// Reads and writes a file where there is no other way: each byte is copied twice.
    private func copyFile(_ file: FileTransfer) {
        var portions = 0
        while file.remaining > 0 {
            portions &+= 1
            if portions > StreamBounds.portionsInARow { return standBack() }
            let count = unsafe service.output.appendInPlace(Int(min(file.remaining, StreamBounds.copiedPortion))) { unsafe file.read(into: $0) }
            // Shorter than announced, or not to be read.
            guard count > 0 else { return closeNow(.incomplete) }
            file.advance(count)
            let isTimed = watches.write != nil
            writeOutput(moreFollows: file.remaining > 0)
            guard phase != .closed else { return }
            if isTimed { queue.sent(count &- queue.unsentCount) }
            if queue.isBlocked { return }
        }
        fileIsSent()
    }

    private func fileIsSent() {
        guard let streaming, let exchange = unsafe exchange else { return }
        self.streaming = nil
        // The next answer, which may be here before this returns, has a write time of its own.
        watches.write?.cancel()
        watches.write = nil
        answered(exchange, status: streaming.status, closes: streaming.closes)
    }

}

private enum StreamBounds {
    /// In bytes: what is written before others get their turn, and what a write costs beside its bytes.
    static var turnBound: Int { 1 << 20 }
    static var writeCost: Int { 1024 }
    /// Up to here one read(2) into the output buffer is cheaper than a head and a sendfile(2) of their own.
    static var copiedFileBound: Int64 { 32768 }
    static var copiedPortion: Int64 { 65536 }
    static var filePortion: Int64 { 1 << 21 }
    static var portionsInARow: Int { 4 }
}
