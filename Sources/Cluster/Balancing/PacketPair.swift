// A socket pair on which connections travel between workers: made by the master before the first fork, and both ends are every worker's.
// So what was sent to a worker that died waits for the one that takes its place. A pair that a process has shut down is replaced:
// ListenerKeeper.
// Process: any · Thread: loop

package import EverycoreLoop
internal import Glibc

package struct PacketPair: Hashable {
    package private(set) var sender: Int32
    package private(set) var receiver: Int32

    package init() throws(SystemError) { (sender, receiver) = try socketPair(SOCK_SEQPACKET, bufferByteCount: 1 << 20) }

    /// Inherited from another master.
    init?(_ descriptors: [Int32]) {
        guard descriptors.count == 2 else { return nil }
        (sender, receiver) = (descriptors[0], descriptors[1])
    }

    package var descriptors: [Int32] { [sender, receiver] }

    /// Another descriptor for one end.
    func replacing(receiver isReceiver: Bool, with descriptor: Int32) -> PacketPair {
        var pair = self
        if isReceiver { pair.receiver = descriptor } else { pair.sender = descriptor }
        return pair
    }
}

/// Which of the cluster's pairs.
package enum PairPlace: Hashable, Sendable {
    /// What siblings send to the slot's worker.
    case slot(Int)
    /// What waits for the quarantine worker.
    case quarantine
    /// What comes back from it with bytes that were read.
    case returns

    /// As packets have it. All ones stand for an auxiliary there.
    package var number: UInt32 {
        switch self {
        case .slot(let slot): min(UInt32(clamping: slot), .max - 3)
        case .quarantine: .max - 1
        case .returns: .max - 2
        }
    }

    package init(number: UInt32) {
        switch number {
        case .max - 1: self = .quarantine
        case .max - 2: self = .returns
        default: self = .slot(Int(number))
        }
    }
}

extension PairPlace: CustomStringConvertible {
    package var description: String {
        switch self {
        case .slot(let slot): "\(slot)"
        case .quarantine: "quarantine"
        case .returns: "quarantine's returns"
        }
    }
}
