// Where log lines go by default: standard error, written so that a reader who stopped reading costs lines, not the service.
// Used in every process of the cluster; each has its own count of what was lost. The writer itself is cposix_output.c.

internal import CEverycorePosix
internal import Synchronization

package struct StandardErrorStream: TextOutputStream, Sendable {
    /// How many of the lost lines a note has told.
    private static let told = Atomic<UInt>(0)

    private let noteOfLoss: @Sendable (_ lines: Int) -> String

    /// - Parameter noteOfLoss: what is written when there is room again.
    package init(
        noteOfLoss: @escaping @Sendable (_ lines: Int) -> String = { "(event=log_lines_lost lost=\($0) log lines were lost: the reader was too slow)\n" }
    ) {
        self.noteOfLoss = noteOfLoss
    }

    package mutating func write(_ text: String) {
        let lost = cposix_lost_lines(2)
        let told = Self.told.load(ordering: .relaxed)
        // A child begins to count anew.
        if lost < told { Self.told.store(lost, ordering: .relaxed) }
        if lost > told {
            var note = noteOfLoss(Int(clamping: lost - told))
            if note.withUTF8({ unsafe cposix_write_note(2, $0.baseAddress, $0.count) }) == 1 { Self.told.store(lost, ordering: .relaxed) }
        }
        var text = text
        _ = text.withUTF8 { unsafe cposix_write_output(2, $0.baseAddress, $0.count) }
    }
}
