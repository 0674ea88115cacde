// A part of an open file that is sent to a client. Several can share the file: each has a position of its own. Touches raw memory.
// Process: worker · Thread: loop

import Glibc

package final class FileTransfer {
    let descriptor: Int32
    private let owner: AnyObject
    private(set) var offset: Int64
    private(set) var remaining: Int64
    private let beginning: Int64
    /// sendfile(2) was refused.
    var isCopied = false

    /// - Parameter owner: keeps the descriptor open for as long as it lives.
    package init(descriptor: Int32, owner: AnyObject, offset: Int64, remaining: Int64) {
        self.descriptor = descriptor
        self.owner = owner
        self.offset = offset
        beginning = offset
        self.remaining = remaining
    }

    /// Reads from the present position into all of `room`, or up to the file's end. Returns how many bytes that were.
    func read(into room: UnsafeMutableRawBufferPointer) -> Int {
        var filled = 0
        while filled < room.count {
            let count = unsafe pread(descriptor, room.baseAddress?.advanced(by: filled), room.count &- filled, Int(offset) &+ filled)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            filled &+= count
        }
        return filled
    }

    func advance(_ count: Int) {
        offset &+= Int64(count)
        remaining &-= Int64(count)
    }

    /// Bytes that have gone.
    var sent: UInt64 { UInt64(max(offset &- beginning, 0)) }

    /// All that is left of it.
    package func contents() -> [UInt8]? {
        let count = Int(max(remaining, 0))
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { room, filled in
            filled = unsafe read(into: UnsafeMutableRawBufferPointer(room))
        }
        return bytes.count == count ? bytes : nil
    }
}
