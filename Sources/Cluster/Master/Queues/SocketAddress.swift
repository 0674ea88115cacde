// A ListenAddress as the kernel takes it, and a bound socket's address as people read it.
// Runs in the master, before the first fork. Confines the raw memory of sockaddr structures.

internal import CEverycorePosix
internal import EverycoreLoop
internal import Glibc

@safe
struct SocketAddress {
    private var storage = sockaddr_storage()
    private var length: socklen_t = 0

    /// - Throws: for a name that can't be resolved or a path that is too long.
    init(_ address: ListenAddress) throws(SystemError) {
        switch address {
        case .tcp(let host, let port): try resolve(host, port: port)
        case .unix(let path): try setPath(path)
        }
    }

    /// The address that `descriptor` is bound to.
    init(boundTo descriptor: Int32) throws(SystemError) {
        length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        var (storage, length) = (self.storage, self.length)
        try systemCall("getsockname") {
            unsafe withUnsafeMutablePointer(to: &storage) { pointer in
                unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    unsafe getsockname(descriptor, $0, &length)
                }
            }
        }
        (self.storage, self.length) = (storage, length)
    }

    var family: Int32 { Int32(storage.ss_family) }

    /// The address in numbers, as people write it; nil for a Unix socket without a path and for other families.
    var readable: ListenAddress? {
        switch family {
        case AF_INET, AF_INET6:
            var text = [UInt8](repeating: 0, count: Int(INET6_ADDRSTRLEN))
            // sin_addr follows the port, sin6_addr the port and the flow's four bytes.
            let offset = family == AF_INET ? 4 : 8
            let isText = unsafe withUnsafeBytes(of: storage) { storage in
                unsafe text.withUnsafeMutableBytes { text in
                    guard let from = storage.baseAddress, let to = text.baseAddress else { return false }
                    let size = socklen_t(INET6_ADDRSTRLEN)
                    return unsafe inet_ntop(family, from + offset, to.assumingMemoryBound(to: CChar.self), size) != nil
                }
            }
            return isText ? .tcp(host: String(decoding: text.prefix { $0 != 0 }, as: UTF8.self), port: port) : nil
        case AF_UNIX:
            let bytes = unsafe withUnsafeBytes(of: storage) { unsafe Array($0[2..<min(max(Int(length), 2), $0.count)]) }
            // A name without a file begins with a zero, and ends where the address does.
            let path = String(decoding: bytes.first == 0 ? bytes[...] : bytes.prefix { $0 != 0 }, as: UTF8.self)
            return path.isEmpty ? nil : .unix(path: path)
        default:
            return nil
        }
    }

    /// The port, in the order of bytes that people read; 0 for a Unix socket.
    var port: UInt16 {
        get {
            // sin_port and sin6_port are at the same place.
            unsafe withUnsafeBytes(of: storage) { UInt16(unsafe $0[2]) << 8 | UInt16(unsafe $0[3]) }
        }
        set {
            unsafe withUnsafeMutableBytes(of: &storage) { bytes in
                unsafe bytes[2] = UInt8(truncatingIfNeeded: newValue >> 8)
                unsafe bytes[3] = UInt8(truncatingIfNeeded: newValue)
            }
        }
    }

    /// Whether a socket with this address is what `address` asked for: the same path, or the same port.
    func isBound(to address: ListenAddress) -> Bool {
        if case .tcp(_, let port) = address { return family != AF_UNIX && port == self.port }
        return readable == address
    }

    func bind(_ descriptor: Int32) throws(SystemError) { unsafe try call("bind", descriptor) { unsafe Glibc.bind($0, $1, $2) } }

    /// Makes the socket's path with this mode.
    func bind(_ descriptor: Int32, mode: UInt32) throws(SystemError) {
        unsafe try call("bind", descriptor) { unsafe cposix_bind_with_mode($0, $1, $2, mode) }
    }

    func connect(_ descriptor: Int32) throws(SystemError) {
        unsafe try call("connect", descriptor) { unsafe Glibc.connect($0, $1, $2) }
    }

    private func call(
        _ operation: String, _ descriptor: Int32, _ body: (Int32, UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) throws(SystemError) {
        try systemCall(operation) {
            unsafe withUnsafePointer(to: storage) { pointer in
                unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe body(descriptor, $0, length) }
            }
        }
    }

    private mutating func resolve(_ host: String, port: UInt16) throws(SystemError) {
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        unsafe hints.ai_flags = AI_PASSIVE
        var found: UnsafeMutablePointer<addrinfo>?
        let result = unsafe getaddrinfo(host, nil, &hints, &found)
        guard result == 0, let first = unsafe found, let source = unsafe first.pointee.ai_addr else {
            throw SystemError(errno: EADDRNOTAVAIL, operation: "resolve \(host)")
        }
        length = unsafe min(first.pointee.ai_addrlen, socklen_t(MemoryLayout<sockaddr_storage>.size))
        unsafe withUnsafeMutableBytes(of: &storage) { bytes in
            unsafe bytes.copyMemory(from: UnsafeRawBufferPointer(start: source, count: Int(length)))
        }
        unsafe freeaddrinfo(first)
        self.port = port
    }

    private mutating func setPath(_ path: String) throws(SystemError) {
        let pathOffset = 2
        let bytes = Array(path.utf8)
        let isAbstract = bytes.first == 0
        guard bytes.count < MemoryLayout<sockaddr_un>.size - pathOffset, bytes.count > (isAbstract ? 1 : 0), !bytes.dropFirst().contains(0) else {
            throw SystemError(errno: ENAMETOOLONG, operation: "use \(path) as a socket's path")
        }
        storage.ss_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &storage) { storage in
            for (index, byte) in bytes.enumerated() { unsafe storage[pathOffset + index] = byte }
        }
        length = socklen_t(pathOffset + bytes.count + (isAbstract ? 0 : 1))
    }
}
