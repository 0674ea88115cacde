// Who is at the other end of a connection, as lines show it. Asked for once, at the connection's beginning: a client that has reset it has no
// name any more.
// Process: worker · Thread: loop

import Glibc

final class PeerName {
    /// An address; `unix` for a Unix socket.
    let text: [UInt8]
    /// 0 where there is none.
    let port: UInt16

    init(of descriptor: Int32) {
        var address = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = unsafe withUnsafeMutableBytes(of: &address) { bytes in
            unsafe getpeername(descriptor, bytes.assumingMemoryBound(to: sockaddr.self).baseAddress, &length)
        }
        guard result == 0 else {
            (text, port) = (Array("-".utf8), 0)
            return
        }
        let family = Int32(address.ss_family)
        (text, port) = unsafe withUnsafeBytes(of: &address) { unsafe Self.name($0, family: family) }
    }

    private static func name(_ address: UnsafeRawBufferPointer, family: Int32) -> ([UInt8], UInt16) {
        switch family {
        case AF_INET:
            let address = unsafe address.loadUnaligned(as: sockaddr_in.self)
            return unsafe (withUnsafeBytes(of: address.sin_addr) { unsafe text(AF_INET, $0) }, UInt16(bigEndian: address.sin_port))
        case AF_INET6:
            let address = unsafe address.loadUnaligned(as: sockaddr_in6.self)
            let port = UInt16(bigEndian: address.sin6_port)
            return unsafe withUnsafeBytes(of: address.sin6_addr) { bytes in
                // A client of IPv4 on a listener of both (RFC 4291 §2.5.5.2).
                let isMapped = unsafe bytes.prefix(10).allSatisfy { $0 == 0 } && bytes[10] == 0xFF && bytes[11] == 0xFF
                return unsafe (isMapped ? text(AF_INET, UnsafeRawBufferPointer(rebasing: bytes[12...])) : text(AF_INET6, bytes), port)
            }
        case AF_UNIX: return (Array("unix".utf8), 0)
        default: return (Array("-".utf8), 0)
        }
    }

    private static func text(_ family: Int32, _ address: UnsafeRawBufferPointer) -> [UInt8] {
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        guard unsafe inet_ntop(family, address.baseAddress, &text, socklen_t(text.count)) != nil else { return Array("-".utf8) }
        return text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:))
    }
}
