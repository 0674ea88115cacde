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

/// Where a socket is.
private enum Place: Equatable {
    case address(host: String, port: Int)
    case path(String)
}

extension ValueFormat where Value: Equatable {
    /// `HOST:PORT`, the path of a Unix socket, or a word that stands for a value of its own.
    /// - Parameter ports: nil where it can be no address.
    fileprivate static func place(
        _ expectation: String, ports: ClosedRange<Int>?, words: [(text: String, value: Value)],
        value: @escaping @Sendable (Place) -> Value?, place: @escaping @Sendable (Value) -> Place?
    ) -> Self {
        ValueFormat(
            scalar: .word, expectation: expectation,
            parse: { text in
                if let word = words.first(where: { $0.text == text }) { return word.value }
                if text.utf8.contains(0x2F) { return isPath(text, atMost: 107) ? value(.path(text)) : nil }
                guard let ports, let address = endpoint(text), ports.contains(address.port) else { return nil }
                return value(.address(host: address.host, port: address.port))
            },
            render: { whole in
                switch place(whole) {
                case nil: words.first { $0.value == whole }?.text ?? "off"
                case .path(let path)?: path
                case .address(let host, let port)?: host.utf8.contains(0x3A) ? "[\(host)]:\(port)" : "\(host):\(port)"
                }
            },
            accepts: { whole in
                switch place(whole) {
                case nil: true
                case .path(let path)?: isPath(path, atMost: 107) && path.utf8.contains(0x2F)
                case .address(let host, let port)?: (isIPv4(host) || isIPv6(host)) && ports?.contains(port) == true
                }
            })
    }
}

private let pathExpectation = "the path of a Unix socket with a slash in it (at most 107 bytes)"

extension ValueFormat where Value == ServerConfiguration.Admin {
    package static let admin = place(
        "HOST:PORT such as 127.0.0.1:8081 or [::1]:8081, \(pathExpectation), auto, or off", ports: 0...65535,
        words: [("off", .off), ("auto", .automatic)],
        value: { place in
            switch place {
            case .address(let host, let port): .address(host: host, port: port)
            case .path(let path): .path(path)
            }
        },
        place: { admin in
            switch admin {
            case .address(let host, let port): .address(host: host, port: port)
            case .path(let path): .path(path)
            case .automatic, .off: nil
            }
        })
}

extension ValueFormat where Value == ServerConfiguration.StatsD.Address {
    package static let statsd = place(
        "HOST:PORT such as 127.0.0.1:8125 or [::1]:8125, \(pathExpectation), or off", ports: 1...65535, words: [("off", .off)],
        value: { place in
            switch place {
            case .address(let host, let port): .address(host: host, port: port)
            case .path(let path): .path(path)
            }
        },
        place: { receiver in
            switch receiver {
            case .address(let host, let port): .address(host: host, port: port)
            case .path(let path): .path(path)
            case .off: nil
            }
        })
}

extension ValueFormat where Value == ServerConfiguration.Control {
    package static let control = place(
        "\(pathExpectation), auto, or off", ports: nil, words: [("off", .off), ("auto", .automatic)],
        value: { place in if case .path(let path) = place { .path(path) } else { nil } },
        place: { control in if case .path(let path) = control { .path(path) } else { nil } })
}

extension ValueFormat where Value == String {
    /// What may stand in a StatsD name; `off` is none.
    package static let statsdPrefix = ValueFormat(
        scalar: .word, expectation: "letters, digits, dots, dashes and underscores (at most 64), or off",
        parse: { text in
            if text == "off" { return "" }
            return isName(text, atMost: 64) ? text : nil
        },
        render: { $0.isEmpty ? "off" : $0 },
        accepts: { $0.isEmpty || isName($0, atMost: 64) })
}

extension ValueFormat where Value == [String] {
    /// Names of hosts with spaces between them, or `off`.
    package static let hostNames = ValueFormat(
        scalar: .word, expectation: "host names with spaces between them, such as \"metrics.example.org everycore\", or off",
        parse: { text in
            if text == "off" { return [] }
            let names = text.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
            return names.allSatisfy { isName($0, atMost: 253) } ? names : nil
        },
        render: { $0.isEmpty ? "off" : $0.joined(separator: " ") },
        accepts: { $0.allSatisfy { isName($0, atMost: 253) } })
}

/// Letters, digits, hyphens, underscores and dots.
private func isName(_ text: String, atMost limit: Int) -> Bool {
    (1...limit).contains(text.utf8.count)
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
