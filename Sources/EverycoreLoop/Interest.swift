// What can be asked of a descriptor. Any process that has a loop.
// Process: any · Thread: any

import CEverycoreLibevent

/// What a watch waits for on a descriptor, and what its handler receives.
public struct Interest: OptionSet, Sendable, Hashable {
    public let rawValue: Int16

    public init(rawValue: Int16) {
        self.rawValue = rawValue
    }

    /// There is something to read, or the end of the stream, or an error.
    public static let read = Interest(rawValue: Int16(EV_READ))
    /// There is room to write, or an error.
    public static let write = Interest(rawValue: Int16(EV_WRITE))
    /// The peer has closed its sending side or the whole connection (EPOLLRDHUP, epoll_ctl(2)).
    public static let close = Interest(rawValue: Int16(EV_CLOSED))
}
