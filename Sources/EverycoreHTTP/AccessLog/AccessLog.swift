// A line for each response. It is made in the worker's memory, staged, and committed in the moment in which the response is counted, so that
// whatever becomes of the worker, its lines are as many as its requests.
// Process: worker · Thread: loop

import CEverycorePosix
package import EverycoreStatistics
import Glibc

/// Where lines go. Nothing waits here.
package protocol LineSink: AnyObject {
    /// Takes a line that doesn't count yet. False where there is no room for it.
    func stage(_ line: UnsafeRawBufferPointer) -> Bool
    /// The line that was staged counts.
    func commit()
}

/// A request, and what became of it.
struct LogEntry {
    /// Nil where the head could not be read.
    var head: RequestHead?
    /// What there is of a head that could not be read.
    var unread: [UInt8] = []
    /// When its bytes were read, in monotonic nanoseconds.
    var start: UInt64
    var status = 0
    /// Bytes of content.
    var sent: UInt64 = 0
    /// The connection ended before the response was complete.
    var isAborted = false

    /// What is kept of such a head.
    static var longestUnread: Int { 1900 }
}

package final class AccessLog {
    package enum Format: String, Sendable, Equatable, CaseIterable {
        /// NCSA's common log format.
        case common
        /// The same with the fields `Referer` and `User-Agent`.
        case combined
        /// One JSON object per line.
        case json
    }

    package struct Settings: Sendable {
        package var format = Format.combined
        /// One response of so many has a line.
        package var sample = 1
        /// Those that took less have none, but for the sample; 0 for no such bound.
        package var slowerThan: UInt64 = 0

        package init() {}
    }

    let format: Format
    private let settings: Settings
    private let figures: WorkerFigures
    private let sink: any LineSink
    /// The end of each JSON object.
    let origin: [UInt8]
    @exclusivity(unchecked) var text = LineText()
    @exclusivity(unchecked) var clock = LineClock()
    private var random: UInt64

    /// - Parameter worker: its name, as the lines show it: plain ASCII.
    package init(_ settings: Settings, worker: String, generation: Int, figures: WorkerFigures, sink: any LineSink) {
        self.settings = settings
        format = settings.format
        self.figures = figures
        self.sink = sink
        origin = Array(#","worker":"\#(worker)","generation":\#(generation)"#.utf8)
        random = cposix_monotonic_nanoseconds() | 1
    }

    /// Counts a response, and has its line written.
    func count(_ entry: LogEntry, from peer: PeerName?) {
        let isStaged = stage(entry, peer)
        figures.recordResponse(status: entry.status)
        if isStaged { commit() }
    }

    /// Has a line written of a request that got no whole response, and doesn't count as answered.
    func note(_ entry: LogEntry, from peer: PeerName?) { if stage(entry, peer) { commit() } }

    private func commit() {
        sink.commit()
        figures.add(.accessLogLines, 1)
    }

    private func stage(_ entry: LogEntry, _ peer: PeerName?) -> Bool {
        let now = cposix_monotonic_nanoseconds()
        let duration = now &- min(entry.start, now)
        guard isWanted(duration) else { return false }
        unsafe clock.update(now)
        unsafe text.removeAll()
        switch format {
        case .common: makeText(entry, peer, isCombined: false)
        case .combined: makeText(entry, peer, isCombined: true)
        case .json: makeObject(entry, peer, duration)
        }
        unsafe text.endLine()
        if unsafe sink.stage(text.line) { return true }
        figures.add(.accessLogLost, 1)
        return false
    }

    /// A slow one is always wanted; of the others, the sample.
    @inline(__always)
    private func isWanted(_ duration: UInt64) -> Bool {
        if settings.slowerThan > 0 {
            if duration >= settings.slowerThan { return true }
            return settings.sample > 1 && isOfSample
        }
        return settings.sample <= 1 || isOfSample
    }

    /// By chance, so that no order of requests is always in it or never (xorshift64, Marsaglia 2003).
    private var isOfSample: Bool {
        random ^= random << 13
        random ^= random >> 7
        random ^= random << 17
        return random % UInt64(max(settings.sample, 1)) == 0
    }
}
