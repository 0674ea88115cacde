// Connections on their way from one worker to another: for each slot a socket pair.
// Process: any · Thread: loop

internal import CEverycorePosix
package import EverycoreLoop
internal import Glibc

/// One slot's pair.
package struct TransferSocket: Hashable {
    var pair: PacketPair

    package init() throws(SystemError) { pair = try PacketPair() }

    init(_ pair: PacketPair) { self.pair = pair }

    package var sender: Int32 { pair.sender }
    package var receiver: Int32 { pair.receiver }

    /// On which table and for which entry of it a connection is counted already.
    package struct Reservation: Equatable {
        package let table: UInt32
        package let entry: UInt32

        package init(table: UInt32, entry: UInt32) {
            self.table = table
            self.entry = entry
        }
    }

    package struct Arrival: Equatable {
        package let connection: Int32
        /// Its sender had just accepted it.
        package let isNew: Bool
        package let reservation: Reservation
    }

    package enum Reception: Equatable {
        case connection(Arrival)
        case nothing
        /// The sending end was shut down, or sends empty packets.
        case ended
        /// A packet that brought no connection: one that has ended, another file, or one for which this process had no descriptor.
        case unusable
    }

    /// What travels beside the descriptor: the reservation, two times four bytes, little-endian; then whether it is new.
    private static let byteCount = 9

    /// False when the socket is full: the connection stays with the caller, as its descriptor does in any case.
    package func send(_ connection: Int32, isNew: Bool, reservation: Reservation?) -> Bool {
        let bytes = Packet.bytes(of: reservation?.table ?? 0) + Packet.bytes(of: reservation?.entry ?? .max) + [isNew ? 1 : 0]
        while true {
            if unsafe bytes.withUnsafeBytes({
                unsafe cposix_send_with_descriptor(sender, $0.baseAddress, $0.count, connection)
            }) >= 0 {
                return true
            }
            guard errno == EINTR else { return false }
        }
    }

    /// Takes one packet. Any process that holds the sender can have put anything into it, so the descriptor is looked at before it is
    /// used: what isn't a connection, or would block its reader, is closed here. It has left the socket by then, so that no other
    /// worker meets it.
    package func receive() -> Reception {
        var bytes = [UInt8](repeating: 0, count: Self.byteCount)
        var descriptors = cposix_packet_descriptors()
        var count = -1
        repeat {
            count = unsafe bytes.withUnsafeMutableBytes {
                unsafe cposix_receive_packet(receiver, $0.baseAddress, $0.count, &descriptors)
            }
        } while count < 0 && errno == EINTR
        guard count >= 0 else { return .nothing }
        if count == 0, descriptors.count == 0, descriptors.were_cut == 0 { return .ended }
        let received = ReceivedDescriptors(descriptors)
        guard count == Self.byteCount, let connection = received.only, cposix_take_connection(connection) == 0 else {
            received.close()
            return .unusable
        }
        let reservation = Reservation(table: Packet.number(in: bytes[0...]) ?? 0, entry: Packet.number(in: bytes[4...]) ?? .max)
        return .connection(Arrival(connection: connection, isNew: bytes[8] != 0, reservation: reservation))
    }
}
