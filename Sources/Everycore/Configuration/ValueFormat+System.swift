// How users, permissions and cores are written. Pure; runs in the process that reads the configuration, before any fork.

package import struct Cluster.ClusterOptions

extension ValueFormat where Value == String? {
    /// A name or number of a user or group, or `off`.
    package static func account(_ kind: String) -> Self {
        ValueFormat(
            scalar: .word, expectation: "the name or number of a \(kind), or off",
            parse: { text -> String?? in
                if text == "off" { return .some(nil) }
                return isAccountName(text) ? .some(text) : nil
            },
            render: { $0 ?? "off" },
            accepts: { name in name.map { isAccountName($0) && $0 != "off" } ?? true })
    }
}

extension ValueFormat where Value == Int {
    /// Permissions in octal, as chmod(1) takes them.
    package static let mode = ValueFormat(
        scalar: .word, expectation: "permissions in octal from 0000 to 0777, such as 0660",
        parse: { text in
            guard (3...4).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x37).contains($0) }) else { return nil }
            return Int(text, radix: 8).flatMap { $0 <= 0o777 ? $0 : nil }
        },
        render: { mode in
            let digits = String(mode, radix: 8)
            return String(repeating: "0", count: max(4 - digits.count, 0)) + digits
        },
        accepts: (0...0o777).contains)
}

extension ValueFormat where Value == ClusterOptions.Pinning {
    package static let pinning = ValueFormat(
        scalar: .word, expectation: Value.allCases.map(\.rawValue).joined(separator: " or "),
        parse: Value.init(rawValue:), render: \.rawValue, accepts: { _ in true })
}

/// What passwd(5) can hold, and numbers. Whether there is such an account is another question.
private func isAccountName(_ text: String) -> Bool {
    !text.isEmpty && text.utf8.count <= 256 && text.utf8.allSatisfy { $0 > 0x20 && $0 != 0x3A && $0 != 0x7F }
}
