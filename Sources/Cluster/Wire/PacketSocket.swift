// Sending and receiving single packets without ever waiting, on the channels (SOCK_SEQPACKET) and the report socket
// (SOCK_DGRAM). Used by master and workers. Confines the raw pointers of these system calls.

internal import CEverycorePosix
internal import Glibc

package enum PacketSocket {
    enum SendResult {
        case sent
        /// The socket is full; it says when it has room.
        case full
        case tooLarge
        case peerGone
    }

    enum ReceiveResult {
        case packet([UInt8])
        /// Longer than a packet may be: it was cut and is lost.
        case oversized
        case nothingYet
        /// End of file: every descriptor of the other side is closed, and all that it sent has been read.
        case end
    }

    static func send(_ bytes: [UInt8], on descriptor: Int32) -> SendResult {
        unsafe bytes.withUnsafeBufferPointer { unsafe send($0, on: descriptor) }
    }

    static func send(_ bytes: UnsafeBufferPointer<UInt8>, on descriptor: Int32) -> SendResult {
        while true {
            let count = unsafe cposix_send(descriptor, bytes.baseAddress, bytes.count)
            if count >= 0 { return .sent }
            switch errno {
            case EINTR: continue
            case EAGAIN, ENOBUFS, ENOMEM: return .full
            case EMSGSIZE: return .tooLarge
            default: return .peerGone
            }
        }
    }

    /// - Parameter buffer: reused from call to call; its size is the longest packet's.
    static func receive(on descriptor: Int32, buffer: inout [UInt8]) -> ReceiveResult {
        while true {
            let count = unsafe buffer.withUnsafeMutableBytes {
                unsafe cposix_receive(descriptor, $0.baseAddress, $0.count)
            }
            if count == 0 { return .end }
            if count > 0 { return count <= buffer.count ? .packet(Array(buffer[..<count])) : .oversized }
            switch errno {
            // ECONNRESET says once that the peer closed without reading all that we sent; what it sent is still there.
            case EINTR, ECONNRESET: continue
            case EAGAIN: return .nothingYet
            default: return .end
            }
        }
    }

    /// What `receive(into:on:)` found.
    package enum Arrival {
        /// So many bytes of the buffer, and the descriptors that came along, which are the caller's now. Its descriptors
        /// distinguish an empty packet from the end.
        case packet(Int, ReceivedDescriptors)
        case oversized
        case nothingYet
        case end
    }

    /// A packet of a channel, left in the buffer.
    /// - Parameter withDescriptors: whether those that come along are taken; else the kernel closes them.
    package static func receive(into buffer: ByteStorage, on descriptor: Int32, withDescriptors: Bool) -> Arrival {
        while true {
            var more = cposix_packet_descriptors()
            let count = unsafe buffer.withUnsafeMutableBytes {
                unsafe withDescriptors
                    ? cposix_receive_packet(descriptor, $0.baseAddress, $0.count, &more)
                    : cposix_receive(descriptor, $0.baseAddress, $0.count)
            }
            if count >= 0 {
                let descriptors = ReceivedDescriptors(more)
                if count == 0, descriptors.isEmpty { return .end }
                if count <= buffer.count { return .packet(count, descriptors) }
                descriptors.close()
                return .oversized
            }
            switch errno {
            case EINTR, ECONNRESET: continue
            case EAGAIN: return .nothingYet
            default: return .end
            }
        }
    }

    /// With a descriptor, of which the receiver gets a copy.
    static func send(_ bytes: [UInt8], with passed: Int32, on descriptor: Int32) -> SendResult {
        while true {
            let count = unsafe bytes.withUnsafeBytes {
                unsafe cposix_send_with_descriptor(descriptor, $0.baseAddress, $0.count, passed)
            }
            if count >= 0 { return .sent }
            switch errno {
            case EINTR: continue
            // Too many descriptors of this user are under way (unix(7)): they become fewer.
            case EAGAIN, ENOBUFS, ENOMEM, ETOOMANYREFS: return .full
            case EMSGSIZE: return .tooLarge
            default: return .peerGone
            }
        }
    }

    /// Waits until the socket has room. Only on the way out of a process.
    static func waitForRoom(on descriptor: Int32, milliseconds: Int32) {
        var request = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        _ = unsafe poll(&request, 1, milliseconds)
    }
}

/// Descriptors that came with a packet. Their owner closes them.
package struct ReceivedDescriptors {
    private let items: [Int32]
    /// Some did not arrive: this process had no room for them (MSG_CTRUNC, recvmsg(2)).
    let wereCut: Bool

    init(_ more: cposix_packet_descriptors) {
        wereCut = more.were_cut != 0
        guard more.count > 0 else {
            items = []
            return
        }
        let all = [more.descriptors.0, more.descriptors.1, more.descriptors.2, more.descriptors.3]
        items = Array(all.prefix(Int(more.count)))
    }

    var isEmpty: Bool { items.isEmpty && !wereCut }
    /// The one descriptor, when there is just that.
    package var only: Int32? { items.count == 1 && !wereCut ? items[0] : nil }

    package func close() {
        for descriptor in items { _ = Glibc.close(descriptor) }
    }
}
