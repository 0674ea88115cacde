// Why a message was not sent. Thrown in master and workers, at the sender.

/// Why a message could not be sent.
public enum MessageError: Error, Equatable, CustomStringConvertible {
    /// The encoded message is larger than ``MessageOptions/maximumByteCount``.
    case tooLarge(limit: Int)
    /// The other side doesn't read as fast as this one sends, and the queue's bound is reached. Nothing was sent; try
    /// again when the loop has run for a while.
    case queueFull
    /// The other process is gone or going.
    case disconnected
    /// `send` was called on another thread than the loop's; hand the work over with `loop.execute`.
    case notOnLoop

    public var description: String {
        switch self {
        case .tooLarge(let limit): "the message takes more than \(limit) bytes"
        case .queueFull: "the message queue is full: the receiver doesn't keep up"
        case .disconnected: "the other process is gone"
        case .notOnLoop: "messages are sent from the loop's thread only"
        }
    }
}

/// Bounds for messages between the master and its workers.
public struct MessageOptions: Sendable, Equatable {
    /// Bytes of one encoded message with its type's name; at most 128 KiB, so that it fits in one packet.
    public var maximumByteCount = 128 * 1024
    /// How many messages wait in the sender's process when the socket is full, in each direction of each worker.
    public var queueCount = 4096
    /// How many bytes wait there.
    public var queueByteCount = 4 * 1024 * 1024

    public init() {}
}
