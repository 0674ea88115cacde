// Where a cluster listens, as users write it and as the kernel takes it.
// Parsed anywhere; opened by the master (Master/Listeners.swift).

/// A TCP address or the path of a Unix socket.
public enum ListenAddress: Sendable, Hashable, CustomStringConvertible {
    /// A host, as an IPv4 or IPv6 address without brackets or as a name such as `localhost`, and a port. Port 0 lets the
    /// kernel choose one.
    case tcp(host: String, port: UInt16)
    /// A Unix socket (unix(7)); at most 107 bytes.
    case unix(path: String)

    /// Reads `127.0.0.1:8080`, `[::1]:8080`, `localhost:8080`, `:8080` (every IPv4 address), or a path that begins with
    /// `/` or `.`. Nil for anything else.
    public init?(_ text: String) {
        if text.hasPrefix("/") || text.hasPrefix(".") {
            self = .unix(path: text)
            return
        }
        guard let colon = text.lastIndex(of: ":") else { return nil }
        let digits = text[text.index(after: colon)...]
        guard let port = UInt16(digits), digits.allSatisfy({ ("0"..."9").contains($0) }) else { return nil }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]"), host.count > 2 {
            host = host.dropFirst().dropLast()
        } else if host.contains(where: { $0 == ":" || $0 == "[" || $0 == "]" }) {
            return nil
        }
        self = .tcp(host: host.isEmpty ? "0.0.0.0" : String(host), port: port)
    }

    /// As it is read: `127.0.0.1:8080`, `[::1]:8080`, `/run/everycore.sock`.
    public var description: String {
        switch self {
        case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        // A socket without a file has a zero before its name, and is written as ss(8) does.
        case .unix(let path): path.utf8.first == 0 ? "@\(path.dropFirst())" : path
        }
    }

    /// Nil for a Unix socket.
    public var port: UInt16? {
        guard case .tcp(_, let port) = self else { return nil }
        return port
    }
}

/// A listening socket that the master has opened: nonblocking, close-on-exec.
public struct Listener: Sendable, Hashable {
    /// Belongs to the cluster. A worker that drains may close its copy, so that its siblings get the new connections.
    public let descriptor: Int32
    /// With the real port, when 0 was asked for.
    public let address: ListenAddress
}
