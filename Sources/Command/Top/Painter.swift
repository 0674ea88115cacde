// Lines of a screen as what a terminal takes (ECMA-48): only those that have changed since the last time, in one piece, so that nothing flickers.
// A pure value.
// Process: any other than a service's · Thread: main

#if Command
package struct Painter {
    /// Colours say what is wrong; without them bold and inverse are left (https://no-color.org).
    private let hasColours: Bool
    private var painted: [ScreenLine] = []
    private var columns = 0

    package init(hasColours: Bool) { self.hasColours = hasColours }

    /// The alternate screen, without a cursor; lines don't wrap.
    package static let enter = "\u{1B}[?1049h\u{1B}[?25l\u{1B}[?7l\u{1B}[2J"
    package static let leave = "\u{1B}[0m\u{1B}[?7h\u{1B}[?25h\u{1B}[?1049l"
    /// The terminal shows what is between these at once (synchronized output).
    private static let begin = "\u{1B}[?2026h"
    private static let end = "\u{1B}[?2026l"

    /// Everything is painted anew next time.
    package mutating func forget() { painted = [] }

    /// Empty when nothing has changed.
    package mutating func paint(_ lines: [ScreenLine], columns: Int) -> String {
        var text = ""
        if columns != self.columns || lines.count != painted.count {
            text = "\u{1B}[2J"
            painted = []
            self.columns = columns
        }
        for (index, line) in lines.enumerated() where !painted.indices.contains(index) || painted[index] != line {
            text += "\u{1B}[\(index + 1);1H\u{1B}[0m\(styled(line))\u{1B}[0m\u{1B}[K"
        }
        painted = lines
        return text.isEmpty ? "" : Self.begin + text + Self.end
    }

    private func styled(_ line: ScreenLine) -> String {
        let code =
            switch line.style {
            case .plain: ""
            case .title: "1"
            case .selected: "7"
            case .dim: hasColours ? "2" : ""
            case .warning: hasColours ? "33" : ""
            case .bad: hasColours ? "31" : "1"
            }
        guard !code.isEmpty, !line.text.isEmpty else { return line.text }
        // The whole row is inverse, not the text alone.
        let padding = line.style == .selected ? String(repeating: " ", count: max(0, columns - line.text.count)) : ""
        return "\u{1B}[\(code)m\(line.text)\(padding)"
    }
}

/// Keys out of the bytes that a terminal sends for them.
package enum TerminalKeys {
    package static func keys(_ bytes: [UInt8]) -> [TopModel.Key] {
        var keys: [TopModel.Key] = []
        var rest = bytes[...]
        while let byte = rest.popFirst() {
            switch byte {
            case 0x1B:
                // A sequence begins with "[" or "O" and ends with a letter or "~"; without them it is the key itself.
                guard let kind = rest.first, kind == UInt8(ascii: "[") || kind == UInt8(ascii: "O") else {
                    keys.append(.escape)
                    continue
                }
                rest.removeFirst()
                let end = rest.firstIndex { (0x40...0x7E).contains($0) } ?? rest.endIndex
                if end < rest.endIndex, rest[end] == UInt8(ascii: "A") { keys.append(.up) }
                if end < rest.endIndex, rest[end] == UInt8(ascii: "B") { keys.append(.down) }
                rest = rest[min(end + 1, rest.endIndex)...]
            case 0x0D, 0x0A: keys.append(.enter)
            case 0x7F, 0x08: keys.append(.escape)
            case 0x20...0x7E: keys.append(.character(Character(Unicode.Scalar(byte))))
            default: break
            }
        }
        return keys
    }
}
#endif
