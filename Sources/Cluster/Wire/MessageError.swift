// Why a message was not sent, why a request got no reply, and what became of messages that could not be delivered.
// In master and workers.

public import EverycoreLoop

/// Why a message could not be sent.
public enum MessageError: Error, Equatable, CustomStringConvertible {
    /// The encoded message is larger than ``MessageOptions/maximumByteCount``.
    case tooLarge(limit: Int)
    /// The type's name, or the name given with raw bytes, takes more than 4096 bytes.
    case nameTooLong
    /// The other side doesn't read as fast as this one sends, and the queue's bound is reached. Nothing was sent. Wait for room
    /// with `sendWhenRoom` or `whenRoom`.
    case queueFull
    /// The other process is gone or going.
    case disconnected
    /// `send` was called on another thread than the loop's; hand the work over with `loop.execute`.
    case notOnLoop
    /// The kernel has no memory or no descriptors for a large message's file.
    case system(SystemError)

    public var description: String {
        switch self {
        case .tooLarge(let limit): "the message takes more than \(limit) bytes"
        case .nameTooLong: "the message's name takes more than \(MessageRecord.longestName) bytes"
        case .queueFull: "the message queue is full: the receiver doesn't keep up"
        case .disconnected: "the other process is gone"
        case .notOnLoop: "messages are sent from the loop's thread only"
        case .system(let error): error.description
        }
    }
}

/// Why a request got no reply.
public enum RequestError: Error, Equatable, CustomStringConvertible {
    /// It did not leave this process.
    case notSent(MessageError)
    /// This type's own `encode(to:)` failed.
    case notEncodable(type: String, reason: String)
    /// No reply came within this time. The other side may have worked on it, or may still.
    case deadlinePassed(Duration)
    /// The other process ended, or its connection did, while the request was pending.
    case disconnected
    /// No handler there answers requests of this type.
    case noHandler(type: String)
    /// The handler there threw this.
    case failed(reason: String)
    /// The request could not be decoded there, or the reply here.
    case undecodable(type: String, reason: String)
    /// There was a reply that could not be sent, such as one beyond ``MessageOptions/maximumByteCount``.
    case replyNotSent(reason: String)

    public var description: String {
        switch self {
        case .notSent(let error): "the request was not sent: \(error)"
        case .notEncodable(let type, let reason): "\(type) can't be encoded: \(reason)"
        case .deadlinePassed(let deadline): "no reply within \(deadline)"
        case .disconnected: "the other process went away before it replied"
        case .noHandler(let type): "no handler there answers \(type)"
        case .failed(let reason): "the handler failed: \(reason)"
        case .undecodable(let type, let reason): "\(type) can't be decoded: \(reason)"
        case .replyNotSent(let reason): "the reply was not sent: \(reason)"
        }
    }
}

/// Who sent a message that a worker receives.
public enum MessageSender: Sendable, Hashable, CustomStringConvertible {
    case master
    /// Another worker, by way of the master; the slot is -1 for an auxiliary.
    case worker(slot: Int, generation: Int)

    public var description: String {
        switch self {
        case .master: "master"
        case .worker(let slot, let generation): "worker \(slot) gen=\(generation)"
        }
    }
}

/// A message that reached no handler. It is logged and counted, and ends nothing.
public struct MessageFailure: Error, Sendable, Equatable, CustomStringConvertible {
    public enum Reason: Sendable, Equatable, CustomStringConvertible {
        /// The handler's type can't be made of what arrived.
        case undecodable(String)
        /// No handler is registered for this type or name.
        case noHandler
        /// What arrived is no message, or a large message's file was missing or not as it should be.
        case damaged(String)
        /// This process sent it to the worker of this slot, and the master could not pass it on.
        case undelivered(slot: Int, String)

        public var description: String {
            switch self {
            case .undecodable(let reason): "can't be decoded: \(reason)"
            case .noHandler: "no handler is registered for it"
            case .damaged(let reason): reason
            case .undelivered(let slot, let reason): "did not reach worker \(slot): \(reason)"
            }
        }
    }

    /// The type's fully qualified name, or the name of raw bytes; empty where it isn't known.
    public let type: String
    public let reason: Reason

    public var description: String { "\(type.isEmpty ? "a message" : type) \(reason)" }
}

/// Bounds for messages between the master and its workers.
public struct MessageOptions: Sendable, Equatable {
    /// Bytes of one encoded message, at most 1 GiB. What doesn't fit in a packet travels in a file in memory.
    public var maximumByteCount = 64 * 1024 * 1024
    /// How many messages wait in the sender's process when the socket is full, in each direction of each worker.
    public var queueCount = 4096
    /// How many bytes wait there, but for large messages: these wait and travel sixteen at a time, and together take no more than
    /// ``maximumByteCount``.
    public var queueByteCount = 4 * 1024 * 1024

    public init() {}
}
