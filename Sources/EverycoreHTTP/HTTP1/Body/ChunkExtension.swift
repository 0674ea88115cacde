// The syntax of chunk extensions (RFC 9112 §7.1.1), which are checked and ignored:
// *( BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] ). Runs in workers.

enum ChunkExtension {
    case beforeSemicolon
    case beforeName, name, afterName
    case beforeValue, value, afterValue
    case quoted, quotedPair, quotedEnd

    /// Whether a CR may come now. Whitespace before it belongs to no extension, and is malformed.
    var mayEnd: Bool {
        switch self {
        case .name, .value, .quotedEnd: true
        default: false
        }
    }

    /// Takes a byte after the size; false when it can't stand there.
    mutating func take(_ byte: UInt8) -> Bool {
        let isBlank = FieldLine.isBlank(byte)
        let isToken = ByteClass.token.contains(byte)
        switch self {
        case .beforeSemicolon where isBlank, .beforeName where isBlank, .afterName where isBlank: break
        case .beforeSemicolon where byte == 0x3B: self = .beforeName
        case .beforeValue where isBlank, .afterValue where isBlank: break
        case .beforeName where isToken, .name where isToken: self = .name
        case .beforeValue where isToken, .value where isToken: self = .value
        case .beforeValue where byte == 0x22: self = .quoted
        case .name where isBlank: self = .afterName
        case .value where isBlank, .quotedEnd where isBlank: self = .afterValue
        case .name where byte == 0x3D, .afterName where byte == 0x3D: self = .beforeValue
        case .name where byte == 0x3B, .afterName where byte == 0x3B: self = .beforeName
        case .value where byte == 0x3B, .afterValue where byte == 0x3B, .quotedEnd where byte == 0x3B:
            self = .beforeName
        case .quoted where byte == 0x22: self = .quotedEnd
        case .quoted where byte == 0x5C: self = .quotedPair
        case .quoted where isText(byte), .quotedPair where isText(byte): self = .quoted
        default: return false
        }
        return true
    }

    private func isText(_ byte: UInt8) -> Bool { byte == 0x09 || (byte >= 0x20 && byte != 0x7F) }
}
