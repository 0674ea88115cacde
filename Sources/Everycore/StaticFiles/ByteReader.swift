// Reads the text of one header field from front to back: the common ground of dates, entity tags and ranges.
//
// Pure; used in the workers, on copies of bytes that a client has sent. Nothing here traps, whatever they are.

struct ByteReader {
    private let bytes: [UInt8]
    private(set) var position = 0

    init(_ text: String) { bytes = Array(text.utf8) }

    var isAtEnd: Bool { position >= bytes.count }

    /// The byte at hand.
    var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    mutating func advance() { position &+= 1 }

    /// Goes past a byte if it is this one.
    mutating func take(_ byte: UInt8) -> Bool {
        guard next == byte else { return false }
        position &+= 1
        return true
    }

    /// Goes past a text if it is next, spelled exactly so.
    mutating func take(_ text: String) -> Bool {
        let wanted = Array(text.utf8)
        guard position &+ wanted.count <= bytes.count, bytes[position..<position &+ wanted.count].elementsEqual(wanted)
        else { return false }
        position &+= wanted.count
        return true
    }

    /// Goes past spaces and tabs.
    mutating func skipBlanks() {
        while let byte = next, byte == 0x20 || byte == 0x09 { position &+= 1 }
    }

    /// The bytes from `start` to the position, as text.
    func text(from start: Int) -> String {
        start <= position && position <= bytes.count ? String(decoding: bytes[start..<position], as: UTF8.self) : ""
    }

    /// Exactly so many decimal digits, at most nine.
    mutating func digits(_ count: Int) -> Int? {
        guard count <= 9, position &+ count <= bytes.count else { return nil }
        var value = 0
        for byte in bytes[position..<position &+ count] {
            guard 0x30...0x39 ~= byte else { return nil }
            value = value &* 10 &+ Int(byte &- 0x30)
        }
        position &+= count
        return value
    }

    /// One or more decimal digits. A number that is too large becomes the largest there is.
    mutating func number() -> Int64? {
        let start = position
        var value: Int64 = 0
        while let byte = next, 0x30...0x39 ~= byte {
            let (tens, overflows) = value.multipliedReportingOverflow(by: 10)
            let (sum, exceeds) = tens.addingReportingOverflow(Int64(byte &- 0x30))
            value = overflows || exceeds ? .max : sum
            position &+= 1
        }
        return position > start ? value : nil
    }
}
