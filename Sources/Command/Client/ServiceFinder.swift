// Finds the services that run on this machine by their control sockets, where no socket is named.
// Process: any other than a service's · Thread: main

#if Command
import Cluster
import Glibc

package struct ServiceFinder {
    package let user: UInt32
    let variable: (String) -> String?
    /// Where sockets without a file are listed (proc(5)).
    let unixSockets: String

    package init(user: UInt32 = geteuid(), unixSockets: String = "/proc/net/unix", variable: @escaping (String) -> String? = Self.environment) {
        self.user = user
        self.variable = variable
        self.unixSockets = unixSockets
    }

    package static func environment(_ name: String) -> String? { unsafe getenv(name).map { unsafe String(cString: $0) } }

    /// Every socket in the usual places, of living services and of dead ones.
    package var candidates: [AdminAddress] {
        var seen: Set<AdminAddress> = []
        let files = directories.flatMap { directory in
            Self.names(in: directory).filter { $0.hasSuffix(ControlName.ending) }.sorted().map { AdminAddress.path("\(directory)/\($0)") }
        }
        return (files + abstract).filter { seen.insert($0).inserted }
    }

    /// Root sees everybody's: an operator of a container is root there, and the service is not.
    private var directories: [String] {
        var all = [ControlDirectory.system.path] + ControlDirectory.all(of: user, variable: variable).map(\.path)
        if user == 0 {
            all += Self.names(in: "/run/user").sorted().map { "/run/user/\($0)/everycore" }
            all += Self.names(in: "/tmp").filter { $0.hasPrefix("everycore-") }.sorted().compactMap { name in
                UInt32(name.dropFirst("everycore-".count)).map { ControlDirectory.temporary(of: $0).path }
            }
        }
        return all
    }

    private var abstract: [AdminAddress] {
        guard let bytes = try? fileBytes(at: unixSockets) else { return [] }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").compactMap { line in
            guard let at = line.lastIndex(of: "@") else { return nil }
            let name = String(line[line.index(after: at)...])
            guard name.hasPrefix(ControlName.abstractPrefix) else { return nil }
            let owner = name.dropFirst(ControlName.abstractPrefix.count).prefix { $0 != "/" }
            return user == 0 || owner == "\(user)" ? .abstract(name) : nil
        }
    }

    private static func names(in directory: String) -> [String] {
        guard let stream = unsafe opendir(directory) else { return [] }
        defer { unsafe closedir(stream) }
        var names: [String] = []
        while let entry = unsafe readdir(stream), names.count < 10_000 {
            let name = unsafe withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    /// Those of them that a service answers at, and those that this user may not use.
    package func find() -> (services: [FoundService], refused: [AdminFailure]) {
        var (services, refused): ([FoundService], [AdminFailure]) = ([], [])
        for address in candidates {
            do throws(AdminFailure) {
                services.append(FoundService(address: address, stats: try ServiceStats.read(from: AdminClient(address, timeout: .seconds(3)))))
            } catch {
                switch error {
                case .notThere, .isDead, .notASocket: break
                default: refused.append(error)
                }
            }
        }
        return (services, refused)
    }
}

package struct FoundService {
    package let address: AdminAddress
    package let stats: ServiceStats
}
#endif
