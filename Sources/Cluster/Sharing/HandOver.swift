// Connections on their way from one worker to another: for each slot a socket pair, made by the master before the first fork, whose
// both ends every worker holds. So what was sent to a worker that died meanwhile waits for whoever takes its place.

internal import CEverycorePosix
internal import EverycoreLoop
internal import Glibc

/// One slot's pair.
struct HandOverSocket: Hashable {
    let sender: Int32
    let receiver: Int32

    init() throws(SystemError) { (sender, receiver) = try Master.socketPair(SOCK_SEQPACKET, bufferByteCount: 1 << 20) }

    /// Inherited from another master.
    init?(_ descriptors: [Int32]) {
        guard descriptors.count == 2 else { return nil }
        (sender, receiver) = (descriptors[0], descriptors[1])
    }

    var descriptors: [Int32] { [sender, receiver] }

    /// On which board and for which entry of it a connection is counted already.
    struct Booking: Equatable {
        let board: UInt32
        let entry: UInt32
    }

    struct Arrival {
        let connection: Int32
        /// Its sender had just accepted it.
        let isNew: Bool
        let booking: Booking
    }

    /// What travels beside the descriptor: the booking, two times four bytes, little-endian; then whether it is new.
    private static let byteCount = 9

    /// False when the socket is full: the connection stays with the caller, as its descriptor does in any case.
    func send(_ connection: Int32, isNew: Bool, booking: Booking?) -> Bool {
        let bytes = Packet.bytes(of: booking?.board ?? 0) + Packet.bytes(of: booking?.entry ?? .max) + [isNew ? 1 : 0]
        while true {
            if unsafe bytes.withUnsafeBytes({
                unsafe cposix_send_with_descriptor(sender, $0.baseAddress, $0.count, connection)
            }) >= 0 { return true }
            guard errno == EINTR else { return false }
        }
    }

    /// The next connection; nil when none waits.
    func receive() -> Arrival? {
        var bytes = [UInt8](repeating: 0, count: Self.byteCount)
        var descriptors = cposix_packet_descriptors()
        while true {
            let count = unsafe bytes.withUnsafeMutableBytes {
                unsafe cposix_receive_packet(receiver, $0.baseAddress, $0.count, &descriptors)
            }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { return nil }
            // Without room for its descriptor a connection is lost in the kernel (recvmsg(2), MSG_CTRUNC).
            guard descriptors.count > 0 else { continue }
            let connection = descriptors.descriptors.0
            guard descriptors.count == 1, count == Self.byteCount else {
                closeAll(descriptors)
                continue
            }
            let booking = Booking(board: Packet.number(in: bytes[0...]) ?? 0, entry: Packet.number(in: bytes[4...]) ?? .max)
            return Arrival(connection: connection, isNew: bytes[8] != 0, booking: booking)
        }
    }

    /// What no sibling of this program sends.
    private func closeAll(_ descriptors: cposix_packet_descriptors) {
        let all = [descriptors.descriptors.0, descriptors.descriptors.1, descriptors.descriptors.2, descriptors.descriptors.3]
        for descriptor in all.prefix(Int(descriptors.count)) { close(descriptor) }
    }
}
