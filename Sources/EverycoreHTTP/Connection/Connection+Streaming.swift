// Responses that are sent piece by piece or from a file. At most one write of a producer waits in memory; a file's bytes go from
// the page cache to the socket and never come here.
// Process: worker · Thread: loop

import EverycoreLoop
import EverycoreStatistics

extension Connection {
    /// Sends what was written before the application returned.
    func take(_ early: EarlyContent, to output: inout OutputBuffer) {
        guard let streaming else { return }
        let bytes = early.bytes
        unsafe append(bytes.span.bytes, streaming, to: &output)
        if early.isAborted { return breakOff(flushing: &output) }
        if early.hasEnded { end(streaming, &output) } else { streaming.waiters += early.waiters }
    }

    /// The requests in hand are done, and the last one has a response that goes on.
    func goOnStreaming(_ streaming: StreamingResponse) {
        guard !queue.isBlocked else { return }
        if streaming.file != nil {
            setDeadline(0, from: 0)
            return sendFile()
        }
        settle()
        streaming.wakeWaiters()
    }

    func writeContent(_ bytes: RawSpan) {
        guard let streaming, !bytes.isEmpty else { return }
        var output = service.takeLateOutput()
        append(bytes, streaming, to: &output)
        streaming.inARow &+= bytes.byteCount &+ StreamBounds.writeCost
        flush(&output)
        service.putBack(output)
        guard streaming.inARow > StreamBounds.timeSlice, phase != .closed else { return }
        streaming.inARow = 0
        // Fairness: a client that reads as fast as its content is made yields to others.
        if !queue.isBlocked { yieldToLoop() }
    }

    private func append(_ bytes: RawSpan, _ streaming: StreamingResponse, to output: inout OutputBuffer) {
        streaming.sent &+= unsafe streaming.framing.append(bytes, with: service.encoder, &output)
    }

    func endContent() {
        guard let streaming else { return }
        var output = service.takeLateOutput()
        end(streaming, &output)
        guard phase != .closed else { return }
        flush(&output)
        service.putBack(output)
        goOn()
        streaming.wakeWaiters()
    }

    private func end(_ streaming: StreamingResponse, _ output: inout OutputBuffer) {
        guard unsafe streaming.framing.end(with: service.encoder, &output) else { return breakOff(flushing: &output) }
        self.streaming = nil
        if let exchange = unsafe exchange { finish(exchange, status: streaming.status, closes: streaming.closes, streaming: streaming) }
    }

    // MARK: Files

    /// Sends on, until the file's end or until the socket is full.
    func sendFile() {
        guard let streaming, let file = streaming.file else { return }
        if file.isCopied { return copyFile(file) }
        var portions = 0
        while file.remaining > 0 {
            // Fairness: a client that reads as fast as this sends yields to others.
            portions &+= 1
            if portions > StreamBounds.portionsInARow { return yieldToLoop() }
            let portion = Int(min(file.remaining, StreamBounds.filePortion))
            switch unsafe transport.sendFile(file.descriptor, at: file.offset, count: portion) {
            case .bytes(let count):
                service.figures.add(.bytesOut, UInt64(count))
                queue.sent(count)
                file.advance(count)
                // The socket is full: another call would only say so.
                if count < portion { return yieldToLoop() }
            case .notNow: return yieldToLoop()
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
        var output = service.takeLateOutput()
        while file.remaining > 0 {
            portions &+= 1
            if portions > StreamBounds.portionsInARow { return yieldToLoop() }
            let count = unsafe output.appendInPlace(Int(min(file.remaining, StreamBounds.copiedPortion))) { unsafe file.read(into: $0) }
            // Shorter than announced, or not to be read.
            guard count > 0 else { return closeNow(.incomplete) }
            file.advance(count)
            let isTimed = watches.write != nil
            send(&output, moreFollows: file.remaining > 0)
            guard phase != .closed else { return }
            if isTimed { queue.sent(count &- queue.unsentCount) }
            if queue.isBlocked { return }
        }
        service.putBack(output)
        fileIsSent()
    }

    private func fileIsSent() {
        guard let streaming, let exchange = unsafe exchange else { return }
        self.streaming = nil
        // The next answer has a write time of its own.
        endWriteTime()
        finish(exchange, status: streaming.status, closes: streaming.closes, streaming: streaming)
        outputIsSent()
        resumeReading()
        goOn()
    }
}

enum StreamBounds {
    /// In bytes: what is written before others get their turn, and what a write costs beside its bytes.
    static var timeSlice: Int { 1 << 20 }
    static var writeCost: Int { 1024 }
    /// Up to here one read(2) into the output buffer is cheaper than a head and a sendfile(2) of their own.
    static var copiedFileBound: Int64 { 32768 }
    static var copiedPortion: Int64 { 65536 }
    static var filePortion: Int64 { 1 << 21 }
    static var portionsInARow: Int { 4 }
}
