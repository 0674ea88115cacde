// What a HUP means: the end of the terminal that the program was started from, or a reload. A pure value: what was seen and when goes
// in, what to do comes out.
//
// The kernel sends HUP at the loss of a controlling terminal, and so does a shell to its jobs, and a terminal program before it closes
// the terminal (termios(3), "Disconnect"). So a HUP of the kernel's stops, and one that comes within a second of the loss, before or
// after it. Every other one reloads, also long after the terminal has gone. Under nohup(1) none stops.
//
// Process: master · Thread: loop

package struct Hangup {
    package enum Action: Equatable {
        case stop, reload
    }

    /// The loss counts for so long, and the look for it comes as often.
    package static let window: UInt64 = 1_000_000_000

    private enum Terminal: Equatable {
        case none, present
        /// Noticed then.
        case lost(at: UInt64)
    }

    private let isIgnored: Bool
    private var terminal: Terminal
    /// The last HUP that came while the terminal was there.
    private var lastReload: UInt64?

    /// - Parameters:
    ///   - hasTerminal: whether the program has a controlling terminal when it starts.
    ///   - isIgnored: HUP was ignored when the program was started.
    package init(hasTerminal: Bool, isIgnored: Bool) {
        terminal = hasTerminal ? .present : .none
        self.isIgnored = isIgnored
    }

    /// Whether its loss is still to come.
    package var watchesTerminal: Bool { terminal == .present }

    package mutating func received(isFromKernel: Bool, hasTerminal: Bool, now: UInt64) -> Action? {
        if isIgnored { return isFromKernel ? nil : .reload }
        if isFromKernel { return .stop }
        noteLoss(hasTerminal: hasTerminal, now: now)
        switch terminal {
        case .lost(let at) where now &- min(at, now) <= Self.window:
            return .stop
        case .present:
            lastReload = now
            return .reload
        case .none, .lost:
            return .reload
        }
    }

    /// A look at the terminal, once in ``window``.
    package mutating func looked(hasTerminal: Bool, now: UInt64) -> Action? {
        let wasPresent = terminal == .present
        noteLoss(hasTerminal: hasTerminal, now: now)
        guard wasPresent, terminal != .present, !isIgnored, let last = lastReload else { return nil }
        // It went at some time since the look before.
        return now &- min(last, now) <= 2 * Self.window ? .stop : nil
    }

    private mutating func noteLoss(hasTerminal: Bool, now: UInt64) {
        if terminal == .present, !hasTerminal { terminal = .lost(at: now) }
    }
}
