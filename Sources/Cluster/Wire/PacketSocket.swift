// Sending and receiving single packets without ever waiting, on the channels (SOCK_SEQPACKET) and the report socket
// (SOCK_DGRAM). Used by master and workers. Confines the raw pointers of these system calls.

internal import CPosix
internal import Glibc

enum PacketSocket {
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
        while true {
            let count = unsafe bytes.withUnsafeBytes { unsafe cposix_send(descriptor, $0.baseAddress, $0.count) }
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

    /// Waits until the socket has room. Only on the way out of a process.
    static func waitForRoom(on descriptor: Int32, milliseconds: Int32) {
        var request = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        _ = unsafe poll(&request, 1, milliseconds)
    }
}
