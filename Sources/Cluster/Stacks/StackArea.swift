// Where a worker's signal handler leaves its stack, in memory that it shares with the master: a mark with the number of the question and
// the number of frames, and the frames. The handler stores the mark last.
// Process: any · Thread: loop

internal import CEverycorePosix

/// A view: copying it copies the pointer.
@safe
package struct StackArea {
    private let words: UnsafeMutablePointer<UInt64>

    package static let byteCount = cposix_stack_word_count * 8

    /// - Parameter memory: `byteCount` zeroed bytes, aligned to 8, that outlive every copy of this view.
    package init(at memory: UnsafeMutableRawPointer) {
        unsafe words = memory.bindMemory(to: UInt64.self, capacity: Self.byteCount / 8)
    }

    /// From here on this process answers, on this thread, for the frames that the caller calls.
    func answer() { unsafe cposix_answer_for_stack(words) }

    /// The frames, the innermost first; nil where no answer to this question or a later one is there. Any process may have written anything.
    package func frames(answering number: UInt32) -> [UInt64]? {
        let mark = unsafe words[0]
        guard mark != 0, Int32(bitPattern: UInt32(truncatingIfNeeded: mark >> 32) &- number) >= 0 else { return nil }
        let count = min(Int(UInt32(truncatingIfNeeded: mark)), cposix_stack_frame_limit)
        let frames = (0..<count).map { unsafe words[1 + $0] }
        return unsafe words[0] == mark ? frames : nil
    }
}
