// A plain socket that notes of each send whether more was announced to follow, and can wait with its close until the client has sent more.

import Dispatch
import EverycoreHTTP
import Glibc

struct RecordingTransport: Transport {
    final class Sends {
        var areFollowed: [Bool] = []
        var closesBesideInput = false
        let first = DispatchSemaphore(value: 0)
    }

    private let socket: PlainSocket
    private let sends: Sends

    init(_ descriptor: Int32, _ sends: Sends) {
        socket = PlainSocket(descriptor)
        self.sends = sends
    }

    var descriptor: Int32 { socket.descriptor }
    var mayMove: Bool { true }
    var hasPendingInput: Bool { false }
    var unacknowledgedBytes: UInt64 { socket.unacknowledgedBytes }
    var isReset: Bool { socket.isReset }

    func receive(into buffer: UnsafeMutableRawBufferPointer) -> Transfer { unsafe socket.receive(into: buffer) }

    func send(_ bytes: UnsafeRawBufferPointer, moreFollows: Bool) -> Transfer {
        sends.areFollowed.append(moreFollows)
        defer { sends.first.signal() }
        return unsafe socket.send(bytes, moreFollows: moreFollows)
    }

    func sendFile(_ file: Int32, at offset: Int64, count: Int) -> Transfer { .refused }
    func boundUnsent(_ bytes: Int32) { socket.boundUnsent(bytes) }
    func endSending() { socket.endSending() }
    func resetOnClose() { socket.resetOnClose() }

    func close() {
        var input = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        if sends.closesBesideInput { _ = unsafe poll(&input, 1, 5000) }
        socket.close()
    }
}

extension ConnectionServer {
    /// What is returned is touched on the loop's thread only.
    func recordSends() -> RecordingTransport.Sends {
        onLoop { [service] in
            let sends = RecordingTransport.Sends()
            service.handOver = { [unowned service] descriptor in
                service.serve(RecordingTransport(descriptor, sends))
                return true
            }
            return sends
        }
    }
}
