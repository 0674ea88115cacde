// Rows of cells as aligned lines: columns two spaces apart, numbers to the right. Used by the live table and by the summary.
// On a narrow terminal whole columns go, the least important first; a line that is still too long is cut.
// Process: master, admin · Thread: loop

package struct GridColumn<Row> {
    package let title: String
    /// The greater it is, the longer the column stays. `.max` never goes.
    let importance: Int
    var alignsLeft: Bool
    let text: (Row) -> String

    package init(title: String, importance: Int, alignsLeft: Bool = false, text: @escaping (Row) -> String) {
        self.title = title
        self.importance = importance
        self.alignsLeft = alignsLeft
        self.text = text
    }
}

package struct TextGrid<Row> {
    private let columns: [GridColumn<Row>]

    package init(columns: [GridColumn<Row>]) { self.columns = columns }

    /// A line of titles, then one for each row.
    package func lines(_ rows: [Row], width: Int?) -> [String] {
        var cells = columns.map { column in [column.title] + rows.map(column.text) }
        var shown = columns
        while let width, Self.width(of: cells) > width, let index = Self.leastImportant(shown) {
            shown.remove(at: index)
            cells.remove(at: index)
        }
        let widths = cells.map(Self.cellWidth)
        return (0...rows.count).map { row in
            let line = shown.indices.map { index in
                cells[index][row].padded(to: widths[index], left: shown[index].alignsLeft)
            }
            return line.joined(separator: "  ").withoutTrailingSpaces.cut(to: width)
        }
    }

    private static func leastImportant(_ columns: [GridColumn<Row>]) -> Int? {
        columns.indices.filter { columns[$0].importance < .max }.min {
            columns[$0].importance < columns[$1].importance
        }
    }

    private static func width(of cells: [[String]]) -> Int {
        cells.reduce(0) { $0 + cellWidth($1) } + 2 * max(0, cells.count - 1)
    }

    private static func cellWidth(_ column: [String]) -> Int {
        column.reduce(0) { max($0, $1.count) }
    }
}

extension String {
    func padded(to width: Int, left: Bool = false) -> String {
        let spaces = String(repeating: " ", count: max(0, width - count))
        return left ? self + spaces : spaces + self
    }

    /// Ends with an ellipsis where something was cut off.
    package func cut(to width: Int?) -> String {
        guard let width, count > width else { return self }
        return width > 0 ? String(prefix(width - 1)) + "…" : ""
    }

    package var withoutTrailingSpaces: String {
        var text = self
        while text.utf8.last == UInt8(ascii: " ") { text.removeLast() }
        return text
    }
}
