// Where the control socket of a service is, and what it is called there. Pure values; ControlSocket.swift makes directories and binds.
// Process: master, command · Thread: before the loop
//
// A service and the command that looks for it read the same list here. The name is that of what the service listens on: services that run at
// the same time differ in it, and a program that takes another one's place has the same.

internal import Glibc

/// Where the control socket is to be.
package enum ControlPlace: Equatable, Sendable, CustomStringConvertible {
    /// In the first of the usual places where it can be.
    case automatic
    /// There or nowhere.
    case path(String)

    package var description: String {
        switch self {
        case .automatic: "auto"
        case .path(let path): path
        }
    }
}

/// A directory of control sockets.
package struct ControlDirectory: Equatable, Sendable {
    package enum Kind: Equatable, Sendable {
        /// Made for every service of root's; others may look.
        case system
        /// The service manager's (RUNTIME_DIRECTORY, systemd.exec(5)): it is there already.
        case given
        /// Of one user alone, below a directory that is that user's.
        case runtime
        /// Of one user alone, below a directory that everybody can write to.
        case temporary
    }

    package let path: String
    package let kind: Kind

    package init(path: String, kind: Kind) {
        self.path = path
        self.kind = kind
    }

    package static let system = ControlDirectory(path: "/run/everycore", kind: .system)

    package static func temporary(of user: UInt32) -> ControlDirectory { ControlDirectory(path: "/tmp/everycore-\(user)", kind: .temporary) }

    /// Those of a user, the first that can be used wins.
    package static func all(of user: UInt32, variable: (String) -> String?) -> [ControlDirectory] {
        var all = user == 0 ? [system] : []
        if let given = variable("RUNTIME_DIRECTORY")?.split(separator: ":").first, given.hasPrefix("/"), given != system.path || user != 0 {
            all.append(ControlDirectory(path: String(given), kind: .given))
        }
        if let runtime = variable("XDG_RUNTIME_DIR"), runtime.hasPrefix("/") {
            all.append(ControlDirectory(path: (runtime.hasSuffix("/") ? runtime : runtime + "/") + "everycore", kind: .runtime))
        }
        return all + [temporary(of: user)]
    }

    /// For the directory itself, where this program makes it.
    package var mode: UInt32 { kind == .system ? 0o755 : 0o700 }

    /// Whether a directory that is there is fit for the sockets of a user: no other user can put a socket of its own in a socket's place.
    package func accepts(owner: UInt32, mode: UInt32, for user: UInt32) -> Bool {
        owner == user && mode & (kind == .temporary ? 0o077 : 0o022) == 0
    }
}

/// What a control socket is called, without the directory.
package struct ControlName: Equatable, Sendable {
    package static let ending = ".sock"
    /// Begins the names of sockets without a file (unix(7), "abstract"); the user's number and the name follow.
    package static let abstractPrefix = "everycore/"

    package let text: String

    /// - Parameters:
    ///   - addresses: what the service listens on, with the real ports.
    ///   - pid: stands in where it listens on nothing.
    package init(of addresses: [ListenAddress], pid: Int32) {
        switch addresses.first {
        case .tcp(_, let port)?: text = "\(port)"
        case .unix(let path)?: text = Self.plain(path.split(separator: "/").last.map(String.init) ?? "") ?? "\(pid)"
        case nil: text = "\(pid)"
        }
        self.pid = pid
    }

    private let pid: Int32

    /// The name, and what stands in where other services have it.
    package var choices: [String] { [text] + (2...9).map { "\(text)-\($0)" } + ["\(text)-\(pid)"] }

    private static func plain(_ file: String) -> String? {
        let name = file.hasSuffix(ending) ? String(file.dropLast(ending.count)) : file
        let isPlain = name.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) || [0x2D, 0x2E, 0x5F].contains(byte)
        }
        return isPlain && (1...40).contains(name.utf8.count) && !name.hasPrefix(".") ? name : nil
    }
}
