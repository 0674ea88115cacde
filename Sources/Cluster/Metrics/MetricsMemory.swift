// Where this process counts the application's metrics. Handlers that the program makes before the run are inherited by every worker, and
// must count there for that worker: so the pages have one address in all processes, and what differs is the memory behind it. The process
// that becomes the master maps pages of its own there; for each child it maps others beside them, which the child moves to that address
// right after the fork. A handler is a pointer that stays right, and a fork costs it nothing.
// Process: any · Thread: any

internal import CEverycorePosix
internal import EverycoreLoop
package import EverycoreStatistics
internal import Glibc
internal import Synchronization

package enum MetricsMemory {
    private struct State {
        var region: MetricsRegion?
        /// The master has no pages for this process: what it counts is seen by none.
        var isClosed = false
        /// Takes the warning about series that found no room.
        var warn: (@Sendable (_ label: String, _ reason: String) -> Void)?
        /// Such a warning was given, or waits for `warn`.
        var hasWarned = false
        var pending: (label: String, reason: String)?
    }

    private static let state = Mutex(State())

    /// This process's pages; nil where nothing counts metrics.
    package static var region: MetricsRegion? { state.withLock { $0.region } }

    /// Maps this process's pages, once.
    /// - Returns: nil where the kernel has no memory, or in a worker of a master that has none either.
    package static func open() -> MetricsRegion? {
        state.withLock { state in
            if let region = state.region { return region }
            guard !state.isClosed, let memory = unsafe cposix_map_sparse(MetricsRegion.byteCount) else { return nil }
            let region = unsafe MetricsRegion(at: memory)
            state.region = region
            return region
        }
    }

    /// Runs in the master, and in each of its children, where nothing counts when it begins: what counts later would be seen by none.
    static func close() { state.withLock { if $0.region == nil { $0.isClosed = true } } }

    /// Runs in a child that the master has no pages for: what it counts must not go to the master's.
    static func leave() throws(SystemError) {
        guard let region else { return close() }
        let result = unsafe cposix_replace_pages(region.address, MetricsRegion.byteCount)
        guard result == 0 else { throw SystemError(errno: errno, operation: "leave the master's pages for metrics") }
    }

    // MARK: Warnings

    /// Says once for each process that a series was refused; later ones are only counted.
    package static func warn(_ label: String, _ reason: String) {
        let warn = state.withLock { state -> (@Sendable (String, String) -> Void)? in
            guard !state.hasWarned else { return nil }
            state.hasWarned = true
            if state.warn == nil { state.pending = (label, reason) }
            return state.warn
        }
        warn?(label, reason)
    }

    /// Runs in the master and in each child, at its beginning.
    static func takeWarnings(_ warn: @escaping @Sendable (_ label: String, _ reason: String) -> Void, isChild: Bool) {
        let pending = state.withLock { state -> (label: String, reason: String)? in
            state.warn = warn
            defer { state.pending = nil }
            guard isChild else { return state.pending }
            // A child's first refusal is its own.
            state.hasWarned = false
            return nil
        }
        if let pending { warn(pending.label, pending.reason) }
    }
}

/// The pages of a child, as the master has them.
@safe
final class MetricsPages {
    let region: MetricsRegion

    /// For a child that begins with the names in `own`.
    init(namesOf own: MetricsRegion) throws(SystemError) {
        guard let memory = unsafe cposix_map_sparse(MetricsRegion.byteCount) else {
            throw SystemError(errno: errno, operation: "map memory for a worker's metrics")
        }
        region = unsafe MetricsRegion(at: memory)
        region.takeNames(of: own)
    }

    private var hasMoved = false

    deinit { if !hasMoved { unsafe cposix_unmap(region.address, MetricsRegion.byteCount) } }

    /// Runs in the master after the fork: its later children must neither write there nor keep the memory of one that is gone.
    func keepFromOthers() { unsafe cposix_keep_pages_from_children(region.address, MetricsRegion.byteCount) }

    /// Runs in the child after the fork.
    func becomeOwn() throws(SystemError) {
        guard let own = MetricsMemory.region else { return }
        let result = unsafe cposix_move_pages(region.address, own.address, MetricsRegion.byteCount)
        guard result == 0 else { throw SystemError(errno: errno, operation: "take over the pages for metrics") }
        hasMoved = true
    }
}
