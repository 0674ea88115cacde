// The bytes' way between a connection and its client: what an HTTP connection asks of it, and nothing of HTTP.
// A generic parameter of the connection, so that the plain socket costs no dispatch. No call waits.
// Process: worker · Thread: loop

/// What became of an attempt to move bytes.
package enum Transfer: Equatable {
    /// So many were moved, at least one.
    case bytes(Int)
    /// None now: wait until the descriptor is ready, or try again where the call was interrupted.
    case notNow
    /// The client has ended its side, or a file is shorter than it was.
    case ended
    /// For this file, with this kernel or in this sandbox; another way may do.
    case refused
    /// Nothing moves any more.
    case failed
}

package protocol Transport {
    /// Whose readiness says that it is worth trying. Another process that gets it goes on, where `mayMove` says so.
    var descriptor: Int32 { get }
    /// Whether all of the connection's state is in the descriptor.
    var mayMove: Bool { get }
    /// Whether bytes can be received that the descriptor's readiness doesn't tell of.
    var hasPendingInput: Bool { get }
    /// Bytes that were sent and that the client's side hasn't acknowledged.
    var unacknowledgedBytes: UInt64 { get }
    /// Whether the client is known to have gone, or to take nothing any more.
    var isReset: Bool { get }

    mutating func receive(into buffer: UnsafeMutableRawBufferPointer) -> Transfer

    /// - Parameter moreFollows: lets a short last part wait for the bytes that come next.
    mutating func send(_ bytes: UnsafeRawBufferPointer, moreFollows: Bool) -> Transfer

    /// Sends a part of a file without a copy of it. `.refused` where there is no such way.
    mutating func sendFile(_ file: Int32, at offset: Int64, count: Int) -> Transfer

    /// Bounds what waits unsent in the kernel for a client that doesn't read; 0 sets the system's own bound.
    func boundUnsent(_ bytes: Int32)

    /// Ends this side; the client can go on sending.
    mutating func endSending()

    /// Makes `close` an abrupt end, which the client can't take for a proper one.
    func resetOnClose()

    mutating func close()
}
