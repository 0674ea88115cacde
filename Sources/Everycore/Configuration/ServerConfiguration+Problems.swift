// What is wrong with a configuration, whoever made it: the command from a file, or a program in code.
// Runs in the process that becomes the master, before the fork; the only thing outside the value that it looks at is `root`.

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
        require(respawn.delayFirst <= respawn.delayMaximum, "respawn.delay_first", "must not exceed respawn.delay_maximum")
        if case .address(let adminHost, let adminPort) = admin, port != 0 {
            require(
                adminPort != port || (adminHost != host && !isAny(host) && !isAny(adminHost)), "admin",
                "takes port \(port), which the service listens on")
        }
        if let root {
            require(isDirectory(root), "root", "\(printable(root)) is not a directory that can be read")
        }
        return found
    }
}

private func isAny(_ host: String) -> Bool { host == "0.0.0.0" || host == "::" }

private func isDirectory(_ path: String) -> Bool {
    var status = stat()
    guard unsafe stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else { return false }
    return unsafe access(path, R_OK | X_OK) == 0
}
