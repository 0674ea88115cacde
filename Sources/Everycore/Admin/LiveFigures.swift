// The figures of now for all that look: asked of the master once a second while an event stream is open, and once for a page. Each stream has
// at most one frame in writing and one that waits, which a newer one replaces; after ten replaced ones in a row it is ended. Before that the
// kernel's buffers of its socket are full.
// Process: admin · Thread: loop

package import EverycoreLoop
package import EverycoreStatistics
internal import Glibc

/// Asks the master for the cluster's figures. The answer comes on the loop, once; nil when the master gives none in time.
package typealias FiguresSource = (@escaping (ClusterFigures?) -> Void) -> Void

package final class LiveFigures {
    let server: ServerIdentity
    let history: HistoryMemory?
    let loop: EventLoop
    private let source: FiguresSource
    private var current: ClusterFigures?
    private var previous: ClusterFigures?
    /// Readings with some time between them, the newest last: rates come from the newest that is old enough.
    private var anchors: [ClusterFigures] = []
    private var streams: [EventStream] = []
    private var timer: LoopTimer?
    /// What waits for the answer of the master; empty when it isn't asked.
    private var waiting: [(ClusterFigures?) -> Void] = []
    private var isPublishing = false
    private var isStopped = false
    private var lastFrame: String?

    /// More streams are refused.
    package static let streamLimit = 32
    private static let interval = Duration.seconds(1)
    /// A page waits no longer for figures, and shows the last ones.
    private static let patience = Duration.milliseconds(25)
    /// Rates from older figures would say little of now.
    private static let oldest: UInt64 = 10_000_000_000
    private static let shortest: UInt64 = 500_000_000

    package init(server: ServerIdentity, history: HistoryMemory?, on loop: EventLoop, figures source: @escaping FiguresSource) {
        self.server = server
        self.history = history
        self.loop = loop
        self.source = source
    }

    /// Ends all streams: their clients come again, to the next process.
    package func stop() {
        isStopped = true
        timer = nil
        for stream in streams { stream.end() }
        streams = []
    }

    // MARK: A page

    /// The last interval, as new as the master gives it within some milliseconds.
    /// - Parameter done: called once; with nil when no figures were ever here.
    func frame(_ done: @escaping (LiveFrame?) -> Void) {
        var done: ((LiveFrame?) -> Void)? = done
        var patience: LoopTimer?
        let finish = { [unowned self] in
            patience?.cancel()
            patience = nil
            done.take()?(current.map { LiveFrame($0, since: previous) })
        }
        patience = loop.after(Self.patience) { finish() }
        ask { _ in finish() }
    }

    /// One question at a time: all that wait get the same answer.
    private func ask(_ done: @escaping (ClusterFigures?) -> Void) {
        waiting.append(done)
        guard waiting.count == 1 else { return }
        source { [weak self] figures in
            guard let self else { return }
            let waiting = waiting
            self.waiting = []
            if let figures { take(figures) }
            for done in waiting { done(figures) }
        }
    }

    private func take(_ figures: ClusterFigures) {
        let age = { (earlier: ClusterFigures) in figures.takenAtNanoseconds.subtractingDownToZero(earlier.takenAtNanoseconds) }
        anchors.removeAll { age($0) > Self.oldest }
        previous = anchors.last { age($0) >= Self.shortest }
        current = figures
        if anchors.last.map({ age($0) >= Self.shortest }) ?? true { anchors = anchors.suffix(2) + [figures] }
    }

    // MARK: Streams

    var hasRoom: Bool { streams.count < Self.streamLimit && !isStopped }

    /// Nil when there are as many as may be.
    func open() -> EventStream? {
        guard hasRoom else { return nil }
        let stream = EventStream(on: loop)
        streams.append(stream)
        if timer == nil {
            timer = loop.every(Self.interval) { [unowned self] in publish() }
            // The first one has two readings after a second; what there is already comes at once.
            publish()
        } else if let text = lastFrame {
            stream.offer(text)
        }
        return stream
    }

    func close(_ stream: EventStream) {
        stream.end()
        streams.removeAll { $0 === stream }
        guard streams.isEmpty else { return }
        timer = nil
        lastFrame = nil
    }

    private func publish() {
        for stream in streams where stream.isStalled { close(stream) }
        guard !isPublishing, !streams.isEmpty else { return }
        isPublishing = true
        ask { [unowned self] figures in
            isPublishing = false
            guard let figures else { return offer(": the master gave no figures in time\n\n") }
            offer("data: \(LiveFrame(figures, since: previous).json(server: server, unixMilliseconds: Self.unixMilliseconds(), history: history))\n\n")
        }
    }

    private func offer(_ text: String) {
        lastFrame = text
        for stream in streams { stream.offer(text) }
    }

    static func unixMilliseconds() -> UInt64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return UInt64(clamping: time.tv_sec) &* 1000 &+ UInt64(clamping: time.tv_nsec / 1_000_000)
    }
}

/// One client of `/events`. Confined to the loop's thread.
package final class EventStream: @unchecked Sendable {
    private let loop: EventLoop
    private var pending: String?
    private var hasEnded = false
    /// How many frames were replaced in a row by newer ones.
    private var replaced = 0
    private var wait: LoopWait<String?>?
    /// Writes to the client.
    var task: Task<Void, any Error>?

    private static let patience = 10

    package init(on loop: EventLoop) { self.loop = loop }

    /// The client takes nothing any more.
    package var isStalled: Bool { replaced >= Self.patience }

    package func offer(_ text: String) {
        if let wait, wait.isWaiting {
            self.wait = nil
            wait.end(.success(text))
        } else {
            if pending != nil { replaced += 1 }
            pending = text
        }
    }

    func end() {
        hasEnded = true
        if isStalled { task?.cancel() }
        wait.take()?.end(.success(nil))
    }

    /// The next frame; nil at the end.
    func next() async throws -> String? {
        replaced = 0
        if let text = pending.take() { return text }
        if hasEnded { return nil }
        let wait = LoopWait<String?>(on: loop)
        return try await wait.value {
            if let text = pending.take() { wait.end(.success(text)) } else { self.wait = wait }
        }
    }
}
