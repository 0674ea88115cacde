// Large files that stay open between requests: opening and closing one costs about as much as sending 100 KB of it.
//
// One per worker. A cached descriptor is closed after at most two seconds, also while requests use it: the file system frees a deleted
// file's blocks once no process has it open.
// Process: worker · Thread: loop

internal import EverycoreLoop

final class OpenFiles {
    private let loop: EventLoop
    private var kept: [(representation: Representation, since: UInt64)] = []
    private var timer: LoopTimer?

    /// So many files are kept open at a time.
    private static let bound = 64

    init(loop: EventLoop) { self.loop = loop }

    /// Keeps a representation's file open, where there is room for one more.
    func keep(_ file: OpenFile, of representation: Representation, at now: UInt64) {
        guard representation.file == nil, kept.count < Self.bound else { return }
        representation.file = file
        kept.append((representation, now))
        if timer == nil { timer = loop.every(.seconds(1)) { [unowned self] in closeOld() } }
    }

    /// Closes the files of a resource that is no longer cached, once no response sends from them.
    func close(_ resource: Resource) {
        for representation in resource.representations where representation.file != nil {
            representation.file = nil
            kept.removeAll { $0.representation === representation }
        }
    }

    private func closeOld() {
        let now = EventLoop.monotonicNanoseconds()
        kept.removeAll { representation, since in
            guard now &- since >= StaticFiles.trust else { return false }
            representation.file = nil
            return true
        }
        if kept.isEmpty { timer = nil }
    }
}
