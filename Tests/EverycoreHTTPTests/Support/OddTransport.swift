// A transport that no bare socket is: it holds bytes of its own, hands them out in odd pieces, is full at odd moments, can't send
// files, and can't move to another process. It stands for TLS, and shows that a connection takes any transport.

import EverycoreHTTP
import Glibc
import TestSupport

struct OddTransport: Transport {
    private final class State {
        var held: [UInt8] = []
        var random: SeededGenerator
        var sends = 0

        init(seed: UInt64) { random = SeededGenerator(seed: seed) }
    }

    private let socket: PlainSocket
    private let state: State

    init(_ descriptor: Int32, seed: UInt64) {
        socket = PlainSocket(descriptor)
        state = State(seed: seed)
    }

    var descriptor: Int32 { socket.descriptor }
    var mayMove: Bool { false }
    var hasPendingInput: Bool { !state.held.isEmpty }
    var unacknowledgedBytes: UInt64 { socket.unacknowledgedBytes }
    var isReset: Bool { socket.isReset }

    func receive(into buffer: UnsafeMutableRawBufferPointer) -> Transfer {
        if state.held.isEmpty {
            var bytes = [UInt8](repeating: 0, count: 70_000)
            let received = unsafe bytes.withUnsafeMutableBytes { unsafe socket.receive(into: $0) }
            guard case .bytes(let count) = received else { return received }
            state.held = Array(bytes.prefix(count))
        }
        let count = min(state.held.count, buffer.count, Int.random(in: 1...(state.held.count > 10_000 ? 5000 : 9), using: &state.random))
        unsafe buffer.copyBytes(from: state.held.prefix(count))
        state.held.removeFirst(count)
        return .bytes(count)
    }

    func send(_ bytes: UnsafeRawBufferPointer, moreFollows: Bool) -> Transfer {
        state.sends += 1
        if state.sends % 3 == 0 { return .notNow }
        let count = min(bytes.count, Int.random(in: 1...(bytes.count > 10_000 ? 50_000 : 40), using: &state.random))
        return unsafe socket.send(UnsafeRawBufferPointer(rebasing: bytes.prefix(count)), moreFollows: moreFollows)
    }

    func sendFile(_ file: Int32, at offset: Int64, count: Int) -> Transfer { .refused }
    func boundUnsent(_ bytes: Int32) { socket.boundUnsent(bytes) }
    func endSending() { socket.endSending() }
    func resetOnClose() { socket.resetOnClose() }
    func close() { socket.close() }
}

extension ConnectionServer {
    /// Serves what it accepts through odd transports.
    func becomeOdd() {
        onLoop { [service] in
            var seed: UInt64 = 0
            service.handOver = { [unowned service] descriptor in
                seed += 1
                service.serve(OddTransport(descriptor, seed: seed))
                return true
            }
        }
    }
}
