// One client connection: a state machine between its socket and the application. Worker process, on the loop's thread; owned by
// the service's table until it closes. Everything here is driven by readiness, by an answer, or by a deadline.
//
//   Connection+Input    reading, parsing
//   Connection+Body     a request's content
//   Connection+Output   answering, writing
//   Connection+Streaming  responses piece by piece, files
//   Connection+Deadlines  what becomes of it when its time is over
//   Connection+Closing  refusals, draining, lingering close

import EverycoreLoop
import Glibc
import EverycoreStatistics

final class Connection {
    /// What the connection does with the next byte.
    enum Phase {
        /// Bytes belong to a request head.
        case head
        /// Bytes belong to a body that is collected or discarded.
        case body
        /// A request is with the application; bytes wait.
        case waiting
        /// The request was answered and read to its end.
        case answered
        /// An answer was the last one; bytes are thrown away until the client closes.
        case lingering
        case closed
    }

    /// Content that has not come yet.
    enum Content {
        case none
        case length(UInt64)
        case chunked(ChunkedContent)
    }

    /// Most requests have none of this, so it is no part of the connection.
    final class ChunkedContent {
        var decoder: ChunkedDecoder

        init(limits: HTTPLimits) {
            decoder = ChunkedDecoder(limits: limits)
        }
    }

    let service: HTTPService
    let descriptor: Int32
    let slot: Int
    var phase = Phase.head
    // These are touched several times a request, each time for the length of one call that doesn't come back here.
    @exclusivity(unchecked) var content = Content.none
    @exclusivity(unchecked) var parser: RequestParser
    /// The request in flight.
    @exclusivity(unchecked) var exchange: Exchange?
    /// Bytes that came and could not be used yet.
    var kept: [UInt8] = []
    var keptCount = 0
    /// Bytes that the socket didn't take yet.
    var unsent: OutputBuffer?
    /// Whether the socket is full.
    var isBlocked = false
    /// While it is: what the kernel hadn't delivered when the write deadline was set, and what it was given since.
    var undelivered: UInt64 = 0
    var sentSince: UInt64 = 0
    /// The client takes much in a short time. Until then: how often there was room again, and since when.
    var isFast = false
    var wakes: UInt32 = 0
    var firstWake: UInt64 = 0
    /// A response that has begun and not ended.
    var streaming: StreamingResponse?
    /// The connection's end is the end of its last response.
    var endsContent = false
    var isProcessing = false
    /// The client has ended its side.
    var inputEnded = false
    var closesAfterOutput = false
    /// A closing answer left input unread: close with care.
    var lingers = false
    /// The client learns from the last answer that it is the last, and may have sent its next request by then.
    var closesUnasked = false
    var requestsServed = 0
    /// Answers in the output that aren't in the latency figures yet, and since when the first of them ran.
    var unrecordedAnswers: UInt64 = 0
    var unrecordedStart: UInt64 = 0
    /// When the bytes in hand were read.
    var readAt: UInt64 = 0
    var discarded = 0
    /// Content of the current request that has come, and since when it was to come.
    var bodyBytes: UInt64 = 0
    var bodyBegan: UInt64 = 0
    /// The application asked for a pause in the content, and when.
    var bodyPaused = false
    var bodyPausedAt: UInt64 = 0
    /// The client knows that its content is wanted, or has sent it.
    var continueSettled = false
    /// All of the content came together with its head. Noted only where the client may wait for a 100.
    var contentIsHere = false
    /// A part of the next head is here, and its time runs.
    var headBegan = false
    /// The idle time runs since so many requests were served: empty lines don't begin it anew.
    var idleSince = 0
    /// When the handler's time is over, while the connection is looked at more often (`watchPeer`).
    var handlerDue: UInt64 = 0
    var readWatch: DescriptorWatch?
    var writeWatch: DescriptorWatch?
    var isReadPaused = false
    /// Another process has it.
    var isPassedOn = false

    init(service: HTTPService, descriptor: Int32, slot: Int) {
        self.service = service
        self.descriptor = descriptor
        self.slot = slot
        unsafe parser = RequestParser(limits: service.limits)
    }

    /// Begins: most clients send their request with the handshake's last step, so it is often here already. A connection that is
    /// answered and closed right away never costs a registration with the kernel's epoll set.
    func start() {
        setDeadline(requestsServed == 0 ? service.timeouts.header : service.timeouts.idle, from: EventLoop.monotonicNanoseconds())
        readable()
        guard phase != .closed, readWatch == nil else { return }
        do {
            readWatch = try service.loop.watch(descriptor, for: .read) { [unowned self] _ in readable() }
            if isReadPaused { readWatch?.pause() }
        } catch {
            // Out of kernel memory for watches: this one can't be served.
            closeNow(.incomplete)
        }
    }

    func setDeadline(_ timeout: UInt64, from now: UInt64) {
        service.deadlines[slot] = timeout == 0 ? DeadlineTable.never : now &+ timeout
    }

    /// Stops reading while bytes could only pile up, or the end of input would be reported forever.
    func pauseReading() {
        guard !isReadPaused else { return }
        isReadPaused = true
        readWatch?.pause()
    }

    func resumeReading() {
        guard isReadPaused, !inputEnded else { return }
        isReadPaused = false
        readWatch?.resume()
    }
}
