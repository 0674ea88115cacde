// A request that another process answers: the connection moves there with the bytes that were read, the request's head first among
// them. Worker process, on the loop's thread.
//
// The application says so while it is given the request: nothing of it has been used by then. So the head is taken back, what came
// before is flushed, and the connection goes as it stands. Where it can't, the application is given the request once more.

import EverycoreLoop

/// Moves a connection, with bytes that begin with a request's head and when they were read, to another process: true when that has it.
package typealias ConnectionMover = (_ connection: Int32, _ bytes: RawSpan, _ readAt: UInt64) -> Bool

extension Exchange {
    /// Has the request answered by another process. To be called from within `Application.receive`, and then nothing else.
    ///
    /// - Parameter mover: called as soon as all earlier answers of the connection have been sent.
    /// - Returns: false when the connection can't be moved: then the request is the caller's to answer.
    package func divert(to mover: @escaping ConnectionMover) -> Bool {
        guard let connection = unsafe connection, unsafe !isAnswered else { return false }
        return connection.divert(to: mover)
    }
}

extension Connection {
    func divert(to mover: @escaping ConnectionMover) -> Bool {
        guard phase == .waiting, isProcessing, unsafe transport.mayMove, case .none = diversion else { return false }
        diversion = .wanted(mover)
        phase = .diverted
        return true
    }

    /// The head that was just read stays in the input, and with it what follows.
    func unread() -> Int? {
        unsafe exchange?.recycle()
        content = ContentIntake()
        phase = .head
        return nil
    }

    /// After the earlier answers were written.
    func move(with mover: ConnectionMover) {
        diversion = .impossible
        defer { diversion = .none }
        guard phase == .head, input.count > 0 else { return processKept() }
        let kept = input.kept
        if unsafe mover(descriptor, kept.span.bytes, life.readAt) { return wasPassedOn() }
        process(restoreKept())
    }

    /// Earlier answers wait for the socket: when they are gone, the request is read again.
    func forgetDiversion() {
        if case .wanted = diversion { diversion = .none }
    }
}
