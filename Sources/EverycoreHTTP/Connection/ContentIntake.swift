// How far the content of a connection's request has come, and when its next part is due. No I/O.
// Process: worker · Thread: loop

package struct ContentIntake {
    package init() {}

    /// Takes memory only while a request has content, and while the connection lingers: an idle connection has none of it.
    private final class State {
        var received: UInt64 = 0
        var began: UInt64 = 0
        var pausedAt: UInt64 = 0
        var continueSettled = false
        var isHere = false
        var discarded = 0
        var held: HeldMemory.Part?
    }

    private var state: State?

    private mutating func makeState() -> State {
        if let state { return state }
        let made = State()
        state = made
        return made
    }

    /// Bytes of the current request's content that have come, and since when they were to come.
    package var received: UInt64 {
        get { state?.received ?? 0 }
        set { makeState().received = newValue }
    }
    package var began: UInt64 {
        get { state?.began ?? 0 }
        set { makeState().began = newValue }
    }

    /// When the application asked for a pause; 0 while there is none.
    private var pausedAt: UInt64 { state?.pausedAt ?? 0 }

    /// The client knows that its content is wanted, or has sent it.
    var continueSettled: Bool {
        get { state?.continueSettled ?? false }
        set { makeState().continueSettled = newValue }
    }

    /// All of the content came together with its head. Noted only where the client may wait for a 100.
    var isHere: Bool {
        get { state?.isHere ?? false }
        set { makeState().isHere = newValue }
    }

    /// Bytes that were thrown away, of content or, once the connection lingers, of anything.
    var discarded: Int {
        get { state?.discarded ?? 0 }
        set { makeState().discarded = newValue }
    }

    package var isPaused: Bool { pausedAt != 0 }

    /// A head has come, at `now`.
    @inline(__always)
    package mutating func begin(_ framing: MessageFraming, at now: UInt64) {
        if framing == .none { end() } else { begin(at: now) }
    }

    @inline(never)
    private mutating func begin(at now: UInt64) {
        let state = State()
        state.began = now
        self.state = state
    }

    /// The application takes no more for the moment.
    package mutating func pause(at now: UInt64) { makeState().pausedAt = max(now, 1) }

    /// It goes on. The time of the pause was not the client's.
    package mutating func resume(at now: UInt64) {
        guard let state, isPaused else { return }
        state.began &+= now &- min(state.pausedAt, now)
        state.pausedAt = 0
    }

    /// It is here, or isn't to be read.
    package mutating func end() { if state != nil { state = nil } }

    /// The rest isn't wanted: it is thrown away at the client's pace.
    @inline(__always)
    package mutating func stopPausing() { state?.pausedAt = 0 }

    /// So many bytes of it are in memory, and it isn't whole.
    mutating func hold(_ bytes: Int, of memory: HeldMemory) {
        let state = makeState()
        let part = state.held ?? HeldMemory.Part(of: memory)
        part.set(bytes)
        state.held = part
    }

    func holding(at now: UInt64) -> Holding? {
        guard let state, let held = state.held, held.bytes > 0 else { return nil }
        return Holding(bytes: held.bytes, moved: state.received, nanoseconds: now &- min(state.began, now))
    }

    /// When the average falls below `rate` bytes a second, after a grace of five seconds; nil where it has none.
    package func due(rate: UInt64) -> UInt64? {
        guard rate > 0 else { return nil }
        let (earned, overflow) = received.multipliedReportingOverflow(by: 1_000_000_000)
        return overflow ? nil : began &+ 5_000_000_000 &+ earned / rate
    }
}
