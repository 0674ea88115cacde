// Columns for a terminal, and text of a service's that is safe to show there. Pure.
// Process: any other than a service's · Thread: main

#if Command
package enum TextTable {
    /// Rows below a heading. Numbers stand at the right of their columns.
    package static func lines(_ heading: [String], _ rows: [[String]], right: Set<Int> = []) -> String {
        let all = ([heading] + rows).map { $0.map { plain($0) } }
        let widths = heading.indices.map { column in all.map { $0.indices.contains(column) ? $0[column].count : 0 }.max() ?? 0 }
        return all.map { row in
            var line = ""
            for (column, cell) in row.enumerated() {
                let padding = String(repeating: " ", count: max((widths.indices.contains(column) ? widths[column] : 0) - cell.count, 0))
                let isLast = column == row.count - 1
                line += right.contains(column) ? padding + cell : isLast ? cell : cell + padding
                if !isLast { line += "  " }
            }
            return line + "\n"
        }
        .joined()
    }

    /// Without control characters: a request's path must not steer the terminal.
    package static func plain(_ text: String) -> String {
        String(
            String.UnicodeScalarView(text.unicodeScalars.map { $0.properties.generalCategory == .control || $0 == "\u{2028}" || $0 == "\u{2029}" ? "?" : $0 }))
    }

    /// `3 d 4 h`, `2 min 5 s`, `0.25 s`.
    package static func duration(_ seconds: Double) -> String {
        guard seconds.isFinite, seconds >= 0, seconds < 1e12 else { return "-" }
        let whole = Int(seconds)
        switch seconds {
        case ..<10: return "\(Int(seconds * 100) / 100).\(Int(seconds * 100) % 100 < 10 ? "0" : "")\(Int(seconds * 100) % 100) s"
        case ..<60: return "\(whole) s"
        case ..<3600: return "\(whole / 60) min \(whole % 60) s"
        case ..<86400: return "\(whole / 3600) h \(whole / 60 % 60) min"
        default: return "\(whole / 86400) d \(whole / 3600 % 24) h"
        }
    }

    /// `1,234,567`.
    package static func grouped(_ number: Int) -> String {
        let digits = String(number.magnitude)
        var text = ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index) % 3 == 0 { text += "," }
            text.append(digit)
        }
        return number < 0 ? "-\(text)" : text
    }

    /// `12.3 MiB`.
    package static func bytes(_ count: Int) -> String {
        let tenths = max(count, 0) / (1 << 20) * 10 + max(count, 0) % (1 << 20) * 10 / (1 << 20)
        return "\(tenths / 10).\(tenths % 10) MiB"
    }
}
#endif
