// The bytes that keep a live table in its place on a terminal.

import Cluster
import Testing

@Suite struct TerminalTableTests {
    @Test func theFirstDrawingMakesRoomAndKeepsOtherOutputOutOfIt() {
        var table = TerminalTable()
        let text = table.draw(["a", "b"], columns: 80, rows: 24)
        #expect(text.hasPrefix("\n\n\u{1B}[2A\u{1B}7\u{1B}[1;22r\u{1B}8"))
        #expect(text.hasSuffix("\u{1B}7\u{1B}[23;1H\u{1B}[2Ka\u{1B}[24;1H\u{1B}[2Kb\u{1B}8"))
    }

    @Test func laterDrawingsOnlyReplaceTheLines() {
        var table = TerminalTable()
        _ = table.draw(["a", "b"], columns: 80, rows: 24)
        #expect(table.draw(["c", "d"], columns: 80, rows: 24) == "\u{1B}7\u{1B}[23;1H\u{1B}[2Kc\u{1B}[24;1H\u{1B}[2Kd\u{1B}8")
    }

    @Test func anotherSizeStartsAfresh() {
        var table = TerminalTable()
        _ = table.draw(["a", "b"], columns: 80, rows: 24)
        let text = table.draw(["a", "b"], columns: 80, rows: 30)
        #expect(text.hasPrefix("\u{1B}7\u{1B}[r\u{1B}[23;1H\u{1B}[J\u{1B}8"))
        #expect(text.contains("\u{1B}[1;28r"))
    }

    @Test func theEndGivesTheRowsBackOnce() {
        var table = TerminalTable()
        _ = table.draw(["a"], columns: 80, rows: 24)
        #expect(table.erase() == "\u{1B}7\u{1B}[r\u{1B}[24;1H\u{1B}[J\u{1B}8")
        #expect(table.erase().isEmpty)
    }

    @Test func theProgramKeepsHalfOfTheTerminal() {
        var table = TerminalTable()
        #expect(table.draw(Array(repeating: "x", count: 100), columns: 80, rows: 24).contains("\u{1B}[1;12r"))
    }
}
