// Addresses as they are written: `127.0.0.1`, `[::1]:8081`, `/run/everycore.sock`.
// Numeric ones only, and `localhost`: a name would have to be looked up, may stand for several addresses, and change.
// Pure (inet_pton(3) looks nothing up); runs in the process that reads the configuration, before any fork.

import Glibc

extension ValueFormat where Value == String {
    /// An address to bind; kept without brackets.
    package static let host = ValueFormat(
        scalar: .word, expectation: "an IPv4 or IPv6 address, or localhost",
        parse: { text in
            if let bracketed = unbracketed(text) { return isIPv6(bracketed) ? bracketed : nil }
            return numericHost(text)
        },
        render: { $0 },
        accepts: { isIPv4($0) || isIPv6($0) })
}

extension ValueFormat where Value == ServerConfiguration.Admin {
    package static let admin = ValueFormat(
        scalar: .word,
        expectation: "HOST:PORT such as 127.0.0.1:8081 or [::1]:8081, the path of a Unix socket with a slash in it (at most 107 bytes), or off",
        parse: { text in
            if text == "off" { return .off }
            if text.utf8.contains(0x2F) { return isPath(text, atMost: 107) ? .path(text) : nil }
            return endpoint(text).map { .address(host: $0.host, port: $0.port) }
        },
        render: { admin in
            switch admin {
            case .off: "off"
            case .path(let path): path
            case .address(let host, let port): host.utf8.contains(0x3A) ? "[\(host)]:\(port)" : "\(host):\(port)"
            }
        },
        accepts: { admin in
            switch admin {
            case .off: true
            case .path(let path): isPath(path, atMost: 107)
            case .address(let host, let port): (isIPv4(host) || isIPv6(host)) && (0...65535).contains(port)
            }
        })
}

extension ValueFormat where Value == ServerConfiguration.StatsD.Address {
    package static let statsd = ValueFormat(
        scalar: .word,
        expectation: "HOST:PORT such as 127.0.0.1:8125 or [::1]:8125, the path of a Unix socket with a slash in it (at most 107 bytes), or off",
        parse: { text in
            if text == "off" { return .off }
            if text.utf8.contains(0x2F) { return isPath(text, atMost: 107) ? .path(text) : nil }
            return endpoint(text).flatMap { $0.port > 0 ? .address(host: $0.host, port: $0.port) : nil }
        },
        render: { receiver in
            switch receiver {
            case .off: "off"
            case .path(let path): path
            case .address(let host, let port): host.utf8.contains(0x3A) ? "[\(host)]:\(port)" : "\(host):\(port)"
            }
        },
        accepts: { receiver in
            switch receiver {
            case .off: true
            case .path(let path): isPath(path, atMost: 107)
            case .address(let host, let port): (isIPv4(host) || isIPv6(host)) && (1...65535).contains(port)
            }
        })
}

extension ValueFormat where Value == String {
    /// What may stand in a StatsD name; `off` is none.
    package static let statsdPrefix = ValueFormat(
        scalar: .word, expectation: "letters, digits, dots, dashes and underscores (at most 64), or off",
        parse: { text in
            if text == "off" { return "" }
            return !text.isEmpty && isStatsDName(text) ? text : nil
        },
        render: { $0.isEmpty ? "off" : $0 },
        accepts: { isStatsDName($0) })
}

private func isStatsDName(_ text: String) -> Bool {
    text.utf8.count <= 64
        && text.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) || [0x2D, 0x2E, 0x5F].contains(byte)
        }
}

extension ValueFormat where Value == [ListenAddress] {
    /// Addresses with spaces between them, or `off`.
    package static let addresses = ValueFormat(
        scalar: .word,
        expectation: "addresses with spaces between them, such as \"0.0.0.0:8080 [::]:8080 /run/everycore.sock\", or off",
        parse: { text in
            if text == "off" { return [] }
            var addresses: [ListenAddress] = []
            for word in text.split(separator: " ", omittingEmptySubsequences: false) {
                guard let address = listenAddress(String(word)) else { return nil }
                addresses.append(address)
            }
            return addresses
        },
        render: { $0.isEmpty ? "off" : $0.map(\.description).joined(separator: " ") },
        accepts: { addresses in
            addresses.allSatisfy { address in
                switch address {
                case .tcp(let host, _): isIPv4(host) || isIPv6(host)
                // A space would end it where it is written.
                case .unix(let path): isPath(path, atMost: 107) && path.utf8.contains(0x2F) && !path.utf8.contains(0x20)
                }
            }
        })
}

private func listenAddress(_ text: String) -> ListenAddress? {
    if text.utf8.contains(0x2F) { return isPath(text, atMost: 107) ? .unix(path: text) : nil }
    return endpoint(text).map { .tcp(host: $0.host, port: UInt16(clamping: $0.port)) }
}

/// `127.0.0.1:8081`, `localhost:8081`, `[::1]:8081`. An IPv6 address without brackets is ambiguous, so refused (RFC 3986 §3.2.2).
private func endpoint(_ text: String) -> (host: String, port: Int)? {
    guard let colon = text.utf8.lastIndex(of: 0x3A),
        let port = parsedDecimal(text.utf8[text.utf8.index(after: colon)...]), (0...65535).contains(port)
    else { return nil }
    let written = String(text[..<colon])
    if let bracketed = unbracketed(written) { return isIPv6(bracketed) ? (bracketed, port) : nil }
    guard !written.utf8.contains(0x3A), let host = numericHost(written) else { return nil }
    return (host, port)
}

private func unbracketed(_ text: String) -> String? {
    guard text.utf8.first == 0x5B, text.utf8.last == 0x5D, text.utf8.count > 2 else { return nil }
    return String(text.dropFirst().dropLast())
}

private func numericHost(_ text: String) -> String? {
    if text == "localhost" { return "127.0.0.1" }
    return isIPv4(text) || isIPv6(text) ? text : nil
}

func isIPv4(_ text: String) -> Bool {
    var address = in_addr()
    guard !text.utf8.contains(0) else { return false }
    return unsafe inet_pton(AF_INET, text, &address) == 1
}

func isIPv6(_ text: String) -> Bool {
    var address = in6_addr()
    guard !text.utf8.contains(0) else { return false }
    return unsafe inet_pton(AF_INET6, text, &address) == 1
}
