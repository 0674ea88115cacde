// What is wrong with a configuration, made by the command from a file or by a program in code.
// Runs in the process that becomes the master, before the fork; outside the value it looks at `root`, `user` and `group` only.

import Cluster
import Glibc

extension ServerConfiguration {
    /// A setting that can't be used.
    public struct Problem: Error, Sendable, Equatable, CustomStringConvertible {
        /// The setting, as in the configuration file: `limits.body`.
        public let key: String
        /// What is wrong with it and what would be right.
        public let reason: String

        public var description: String { "\(key): \(reason)" }
    }

    /// Everything that keeps a server from starting with this configuration. Empty when all is well.
    public func problems() -> [Problem] {
        let outOfRange = Setting.all.compactMap { setting in
            setting.problem(in: self).map { Problem(key: setting.key, reason: $0) }
        }
        return outOfRange.isEmpty ? contradictions() : outOfRange
    }

    /// What is wrong with values that are fine one by one.
    private func contradictions() -> [Problem] {
        var found: [Problem] = []
        func require(_ condition: Bool, _ key: String, _ reason: @autoclosure () -> String) {
            if !condition { found.append(Problem(key: key, reason: reason())) }
        }
        // "GET " before the target, " HTTP/1.1" and the line's end after it: 15 bytes for the shortest method.
        require(
            limits.target <= limits.requestLine - 16, "limits.target",
            "must be at least 16 bytes less than limits.request_line (\(limits.requestLine))")
        require(
            limits.fieldLine <= limits.headerSection, "limits.field_line",
            "must not exceed limits.header_section (\(limits.headerSection))")
        require(
            quarantine.duration <= quarantine.durationMaximum, "quarantine.duration",
            "must not exceed quarantine.duration_maximum")
        require(respawn.delayFirst <= respawn.delayMaximum, "respawn.delay_first", "must not exceed respawn.delay_maximum")
        found += listenProblems()
        do throws(ClusterError) {
            _ = try Credentials.find(user: user, group: group)
        } catch {
            if case .badCredentials(let key, let reason) = error { found.append(Problem(key: key, reason: reason)) }
        }
        if let root {
            require(isDirectory(root), "root", "\(printable(root)) is not a directory that can be read")
        }
        return found
    }
}

extension ServerConfiguration {
    /// Addresses that can't be listened on at once.
    private func listenProblems() -> [Problem] {
        var found: [Problem] = []
        for (index, address) in listen.enumerated() {
            if listen[..<index].contains(address), address.port != 0 {
                found.append(Problem(key: "listen", reason: "\(address) is there twice"))
            } else if let wider = listen.first(where: { $0 != address && covers($0, address) }) {
                found.append(Problem(key: "listen", reason: "\(address) is part of \(wider): leave one of them out"))
            }
        }
        // The default is another one where this one is taken.
        if admin != .automatic, let admin = adminAddress, let taken = listenAddresses.first(where: { $0.port == nil ? $0 == admin : overlaps($0, admin) }) {
            let reason = taken.port.map { "takes port \($0), which the service listens on" } ?? "is \(taken), which the service listens on"
            found.append(Problem(key: "admin", reason: reason))
        }
        if case .path(let path) = control {
            if listenAddresses.contains(.unix(path: path)) {
                found.append(Problem(key: "control", reason: "is \(path), where the service listens"))
            } else if adminAddress == .unix(path: path) {
                found.append(Problem(key: "control", reason: "is \(path), where the admin pages are"))
            }
        }
        return found
    }
}

/// Whether `wide` takes the connections to `narrow`: every address of the same family.
private func covers(_ wide: ListenAddress, _ narrow: ListenAddress) -> Bool {
    guard case .tcp(let any, let port) = wide, case .tcp(let host, port) = narrow, port != 0 else { return false }
    return any == "0.0.0.0" && isIPv4(host) || any == "::" && isIPv6(host)
}

/// Whether two addresses can't both be listened on, unless an IPv6 one excludes IPv4.
private func overlaps(_ one: ListenAddress, _ other: ListenAddress) -> Bool {
    guard case .tcp(let host, let port) = one, case .tcp(let otherHost, port) = other, port != 0 else { return false }
    return host == otherHost || isAny(host) || isAny(otherHost)
}

private func isAny(_ host: String) -> Bool { host == "0.0.0.0" || host == "::" }

private func isDirectory(_ path: String) -> Bool {
    var status = stat()
    guard unsafe stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else { return false }
    return unsafe access(path, R_OK | X_OK) == 0
}
