// What a connection's transport hasn't taken, and how fast its client takes what there is. No I/O.
// Process: worker · Thread: loop

struct WriteQueue {
    /// Takes memory from the first time on that the transport is full: few connections ever have it.
    private final class Backlog {
        var unsent: OutputBuffer?
        var progress = WriteProgress()
        var pace = Pace()
        var held: HeldMemory.Part?
        /// Since when it waits for room, and how many bytes went meanwhile.
        var since: UInt64 = 0
        var moved: UInt64 = 0
    }

    private var backlog: Backlog?
    /// Back-pressure: nothing is read or answered before there is room again.
    var isBlocked = false

    private mutating func makeBacklog() -> Backlog {
        if let backlog { return backlog }
        let made = Backlog()
        backlog = made
        return made
    }

    var progress: WriteProgress {
        get { backlog?.progress ?? WriteProgress() }
        set { makeBacklog().progress = newValue }
    }

    /// Counts bytes towards the client's progress, where its time runs.
    func sent(_ bytes: Int) {
        backlog?.progress.add(bytes)
        backlog?.moved &+= UInt64(max(bytes, 0))
    }

    /// It waits for room from now on: what it keeps counts for the worker's memory.
    mutating func hold(in memory: HeldMemory, since now: UInt64) {
        let backlog = makeBacklog()
        if backlog.held == nil { backlog.held = HeldMemory.Part(of: memory) }
        backlog.held?.set(unsentCount)
        backlog.since = now
        backlog.moved = 0
    }

    func holding(at now: UInt64) -> Holding? {
        guard let backlog, let held = backlog.held, held.bytes > 0 else { return nil }
        return Holding(bytes: held.bytes, moved: backlog.moved, nanoseconds: now &- min(backlog.since, now))
    }

    var pace: Pace {
        get { backlog?.pace ?? Pace() }
        set { makeBacklog().pace = newValue }
    }

    var isFast: Bool { backlog?.pace.isFast ?? false }

    // MARK: Bytes that the transport didn't take yet

    var unsentCount: Int {
        guard let backlog, backlog.unsent != nil else { return 0 }
        return backlog.unsent?.count ?? 0
    }

    /// Moves all bytes of `output` behind those that wait.
    mutating func keep(_ output: inout OutputBuffer) {
        var rest = takeUnsent() ?? OutputBuffer(keptCapacity: 0)
        rest.append(moving: &output)
        putBack(rest)
    }

    func takeUnsent() -> OutputBuffer? {
        guard let backlog else { return nil }
        backlog.held?.set(0)
        return backlog.unsent.take()
    }

    mutating func putBack(_ rest: consuming OutputBuffer) {
        let backlog = makeBacklog()
        backlog.held?.set(rest.count)
        backlog.unsent = consume rest
    }
}

/// Whether a client that makes its connection wait takes anything meanwhile. What counts is what its side acknowledges, not what the
/// kernel's buffer takes: that one takes more only when much of it is free, which for a slow client can be minutes.
package struct WriteProgress {
    package init() {}

    /// What the kernel hadn't delivered when the time began.
    package private(set) var undelivered: UInt64 = 0
    /// What it was given since.
    package private(set) var sent: UInt64 = 0

    package mutating func begin(undelivered: UInt64) {
        self.undelivered = undelivered
        sent = 0
    }

    package mutating func add(_ bytes: Int) { sent &+= UInt64(max(bytes, 0)) }

    /// Bytes that the client's side has taken since the time began.
    package func taken(undelivered left: UInt64) -> UInt64 { undelivered &+ sent &- min(left, undelivered &+ sent) }
}

/// Whether a client takes much in a short time: then the kernel may hold more for it than for others.
package struct Pace {
    /// Bytes that may wait unsent in the kernel: half of them is what a client takes between two times that there is room.
    package static var unsentBound: Int32 { 65_536 }
    /// In a second. More than a client's buffer holds by default that nothing reads from (`net.core.rmem_max`, tcp(7)).
    package static var fastBytes: UInt64 { 1 << 19 }

    package init() {}

    package var isFast = false
    private var wakes: UInt32 = 0
    private var firstWake: UInt64 = 0

    /// There is room again, at `now`. True when the client has become fast.
    package mutating func hasRoom(at now: UInt64) -> Bool {
        guard !isFast else { return false }
        if wakes == 0 { firstWake = now }
        wakes &+= 1
        guard UInt64(wakes) &* UInt64(Self.unsentBound / 2) >= Self.fastBytes else { return false }
        wakes = 0
        return now &- min(firstWake, now) < 1_000_000_000
    }

    /// Whether a fast client has become slow: it took so much in the time for a write.
    package func hasBecomeSlow(taken: UInt64, in time: UInt64) -> Bool { isFast && taken / Self.fastBytes < time / 1_000_000_000 }
}
