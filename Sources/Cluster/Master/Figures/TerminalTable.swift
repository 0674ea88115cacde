// A table that stays at the bottom of a terminal while log lines and the program's own output scroll above it.
// A pure value of the master's reporter: lines in, the terminal's control sequences out (ECMA-48, and DECSTBM for the
// scrolling region). The cursor stays where other output left it, so nothing overwrites anything.

package struct TerminalTable {
    private struct Place: Equatable {
        var columns: Int
        var rows: Int
        var height: Int
    }

    private var place: Place?

    package init() {}

    private static let saveCursor = "\u{1B}7"
    private static let restoreCursor = "\u{1B}8"

    /// How many lines a table may have on a terminal of so many rows: the program's own output keeps half of them.
    package static func maximumHeight(rows: Int) -> Int { rows / 2 }

    /// Draws the lines in place of those drawn before.
    package mutating func draw(_ lines: [String], columns: Int, rows: Int) -> String {
        let shown = Array(lines.prefix(Self.maximumHeight(rows: rows)))
        guard !shown.isEmpty else { return "" }
        var text = ""
        let wanted = Place(columns: columns, rows: rows, height: shown.count)
        if place != wanted {
            text += erase()
            // New lines at the bottom push what is there up; then the region ends above them. Setting a region moves
            // the cursor, so it is put back.
            text += String(repeating: "\n", count: shown.count) + "\u{1B}[\(shown.count)A"
            text += Self.saveCursor + "\u{1B}[1;\(rows - shown.count)r" + Self.restoreCursor
            place = wanted
        }
        text += Self.saveCursor
        for (index, line) in shown.enumerated() {
            text += "\u{1B}[\(rows - shown.count + 1 + index);1H\u{1B}[2K" + line
        }
        return text + Self.restoreCursor
    }

    /// Gives the rows back to the terminal. Empty when nothing is drawn.
    package mutating func erase() -> String {
        guard let place else { return "" }
        self.place = nil
        let top = max(place.rows - place.height + 1, 1)
        return Self.saveCursor + "\u{1B}[r\u{1B}[\(top);1H\u{1B}[J" + Self.restoreCursor
    }
}
