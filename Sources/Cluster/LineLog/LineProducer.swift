// A worker's end of its ring: a line is staged, and counts when it is committed. It costs no system call, but for one each time that the
// ring is filled by a quarter, and then for each sixteenth of it, while the writer has done nothing.
// Process: worker · Thread: loop

package final class LineProducer {
    private let ring: LineRing
    private let wake: () -> Void
    private var head: UInt64
    /// So many bytes can be stored without a look at what the writer has done.
    private var left = 0
    private var staged = 0
    /// Where the writer was when it was woken last.
    private var wokenAt: UInt64?

    /// - Parameter wake: makes the writer look now.
    package init(_ ring: LineRing, wake: @escaping () -> Void) {
        self.ring = ring
        self.wake = wake
        head = ring.head
    }

    /// Copies a line, which ends with a newline, to where it is to wait.
    /// - Returns: false where there is no room: it is lost, and counted.
    package func stage(_ line: UnsafeRawBufferPointer) -> Bool {
        guard line.count <= left || hasRoom(for: line.count) else {
            staged = 0
            ring.lost &+= 1
            return false
        }
        unsafe ring.store(line, at: head)
        staged = line.count
        return true
    }

    /// From here on the line that was staged counts, whatever becomes of this process.
    package func commit() {
        head &+= UInt64(truncatingIfNeeded: staged)
        left &-= staged
        staged = 0
        ring.head = head
    }

    @inline(never)
    private func hasRoom(for count: Int) -> Bool {
        let tail = ring.tail
        let used = head &- tail
        // What can't be true counts as full, until the writer has put it right.
        let free = used < UInt64(ring.capacity) ? ring.capacity &- 1 &- Int(used) : 0
        let quarter = ring.capacity / 4
        if count > free || used >= UInt64(quarter), wokenAt != tail {
            wokenAt = tail
            wake()
        }
        guard count <= free else { return false }
        let step = used < UInt64(quarter) ? quarter &- Int(used) : ring.capacity / 16
        left = min(free, max(step, count))
        return true
    }
}
