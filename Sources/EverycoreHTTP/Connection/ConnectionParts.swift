// The small values that a connection is made of. No I/O.
// Process: worker · Thread: loop

import EverycoreLoop

/// What the connection does with the next byte.
enum ConnectionPhase {
    /// Bytes belong to a request head.
    case head
    /// Bytes belong to content that is collected or, once its request was answered, discarded.
    case body
    /// A request is with the application, or its response is being sent; bytes wait.
    case waiting
    /// An answer was the last one; bytes are thrown away until the client closes.
    case lingering
    case closed
}

/// Bytes that came and could not be used yet.
struct KeptInput {
    var kept: [UInt8] = []
    private var storedCount: UInt32 = 0
    /// Never more than the input buffer holds.
    var count: Int {
        @inline(__always) get { Int(storedCount) }
        @inline(__always) set { storedCount = UInt32(truncatingIfNeeded: newValue) }
    }
    /// Nothing is read, so that no more bytes pile up.
    var isPaused = false
    /// The client has ended its side.
    var hasEnded = false
    /// Bytes that the transport holds will be taken on the loop's next iteration.
    var readsOn = false
    /// What is kept will be used on the loop's next iteration.
    var goesOn = false
    /// A part of the next head is here, and its time runs.
    var headBegan = false
    /// The idle time runs since so many requests were served, modulo 2³²: empty lines don't begin it anew.
    var idleSince: UInt32 = 0
}

/// How far `process` is in the bytes in hand.
struct Batch {
    let count: Int
    /// Whether another process may get the connection.
    let mayMove: Bool
    var offset = 0
    /// Responses that are constants, which aren't in the figures yet.
    var constants = 0
    var exceededTimeSlice = false

    init(count: Int, mayMove: Bool) { (self.count, self.mayMove) = (count, mayMove) }
}

/// How the connection ends when its output is gone.
struct Ending {
    /// An answer was the last one.
    var closes = false
    /// It left input unread: close with care.
    var lingers = false
    /// The client learns from the last answer that it is the last, and may have sent its next request by then.
    var isUnasked = false
    /// More input may have come than was looked at. Not behind a request without content that asked for the end: no other may follow
    /// it (RFC 9112 §9.6).
    var mayHaveInput = true
    /// The connection's end is the end of its last response.
    var endsContent = false
}

/// Answers in the output that aren't in the latency figures yet, and since when the first of them ran.
struct LatencyBatch {
    private(set) var start: UInt64 = 0
    private(set) var count: UInt32 = 0

    /// False where the batch began at another time: record it first.
    @inline(__always)
    func takes(_ start: UInt64) -> Bool { count == 0 || self.start == start }

    @inline(__always)
    mutating func add(_ start: UInt64, count more: Int = 1) {
        self.start = start
        count &+= UInt32(truncatingIfNeeded: more)
    }

    @inline(__always)
    mutating func end() { count = 0 }
}

/// Where the connection is in its life.
struct ConnectionLife {
    var served = 0
    /// When the bytes in hand were read.
    var readAt: UInt64 = 0
    /// When the handler's time is over, while the connection is looked at more often (`watchPeer`).
    var handlerDue: UInt64 = 0
}

struct ConnectionWatches {
    var read: OwnedWatch?
    var write: DescriptorWatch?

    func cancel() {
        read?.cancel()
        write?.cancel()
    }
}

/// What a connection seldom has, in memory of its own.
final class Seldom<Value> {
    let value: Value
    init(_ value: Value) { self.value = value }
}

/// Moves a connection, with bytes that begin with a request's head and when they were read, to another process: true when that has it.
package typealias ConnectionMover = (_ connection: Int32, _ bytes: RawSpan, _ readAt: UInt64) -> Bool
