// A socket as it is: TCP or a Unix one, nonblocking.
// Process: worker · Thread: loop

import Glibc

package struct PlainSocket: Transport {
    package let descriptor: Int32

    package init(_ descriptor: Int32) { self.descriptor = descriptor }

    @inline(__always)
    package var mayMove: Bool { true }
    @inline(__always)
    package var hasPendingInput: Bool { false }

    @inline(__always)
    package func receive(into buffer: UnsafeMutableRawBufferPointer) -> Transfer {
        let count = unsafe recv(descriptor, buffer.baseAddress, buffer.count, 0)
        if count > 0 { return .bytes(count) }
        return count == 0 ? .ended : Self.failure
    }

    @inline(__always)
    package func send(_ bytes: UnsafeRawBufferPointer, moreFollows: Bool) -> Transfer {
        let flags = Int32(MSG_NOSIGNAL) | (moreFollows ? Int32(MSG_MORE) : 0)
        let count = unsafe Glibc.send(descriptor, bytes.baseAddress, bytes.count, flags)
        if count > 0 { return .bytes(count) }
        return count == 0 ? .notNow : Self.failure
    }

    package func sendFile(_ file: Int32, at offset: Int64, count: Int) -> Transfer {
        var offset = Int(offset)
        let sent = unsafe sendfile(descriptor, file, &offset, count)
        if sent > 0 { return .bytes(sent) }
        if sent == 0 { return .ended }
        // Not for this file (sendfile(2), NOTES), not with this kernel, or not allowed. An error of the socket comes again with `send`.
        return Self.failure == .notNow ? .notNow : .refused
    }

    @inline(never)
    private static var failure: Transfer { errno == EAGAIN || errno == EINTR ? .notNow : .failed }

    /// SIOCOUTQ, tcp(7).
    package var unacknowledgedBytes: UInt64 {
        var count: Int32 = 0
        let result = unsafe ioctl(descriptor, UInt(TIOCOUTQ), &count)
        return result == 0 ? UInt64(max(count, 0)) : 0
    }

    package var isReset: Bool {
        var socket = pollfd(fd: descriptor, events: 0, revents: 0)
        return unsafe poll(&socket, 1, 0) > 0
    }

    /// `tcp_notsent_lowat`, tcp(7): usually none.
    package func boundUnsent(_ bytes: Int32) {
        var bytes = bytes
        _ = unsafe setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NOTSENT_LOWAT, &bytes, socklen_t(MemoryLayout<Int32>.size))
    }

    package func endSending() { shutdown(descriptor, Int32(SHUT_WR)) }

    package func resetOnClose() {
        var option = linger(l_onoff: 1, l_linger: 0)
        _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
    }

    package func close() { Glibc.close(descriptor) }
}
