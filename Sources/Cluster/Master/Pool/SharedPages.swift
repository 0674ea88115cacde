// The memory that workers share with the master: one page range for each living worker, mapped before the first fork.
// The master owns it and lends the ranges; a worker writes its own with plain stores, and what it wrote outlives it.
// A worker that dies slowly keeps its range until it is reaped, so there are more ranges than slots.

internal import CEverycorePosix
internal import EverycoreLoop
internal import EverycoreStatistics
internal import Glibc

@safe
final class SharedPages {
    private let memory: UnsafeMutableRawPointer
    private let stride: Int
    private var free: [Int]

    /// Where all workers see each other's number of connections.
    let table: LoadTable
    /// Figures that count for nothing: those of workers that could not be made.
    let uncounted: WorkerFigures

    init(count: Int) throws(SystemError) {
        let pageSize = max(Int(sysconf(Int32(_SC_PAGESIZE))), 4096)
        stride = (SharedPage.byteCount + pageSize - 1) / pageSize * pageSize
        let pages = stride * count
        guard let memory = unsafe cposix_map_shared(pages + stride + LoadTable.byteCount(entries: count)) else {
            throw SystemError(errno: errno, operation: "map shared memory for \(count) workers")
        }
        unsafe self.memory = unsafe memory
        unsafe uncounted = WorkerFigures(at: memory + pages)
        let stride = stride
        unsafe table = LoadTable(at: memory + pages + stride, entries: count) { entry in
            let since = unsafe BlackBox(at: memory + entry * stride + WorkerFigures.byteCount).heldSince
            return since != 0 && EventLoop.coarseNanoseconds() > since &+ Self.longForAHandler
        }
        free = Array((0..<count).reversed())
    }

    var hasFree: Bool { !free.isEmpty }

    /// A worker whose handler has run for so long is given no connections: it may run for seconds.
    private static let longForAHandler: UInt64 = 10_000_000

    /// A zeroed range, or nil when all are lent.
    func take() -> SharedPage? {
        guard let index = free.popLast() else { return nil }
        let start = unsafe memory + index * stride
        unsafe start.initializeMemory(as: UInt8.self, repeating: 0, count: stride)
        return unsafe SharedPage(index: index, start: start)
    }

    /// Takes a range back. Its worker must be gone.
    func giveBack(_ page: SharedPage) { free.append(page.index) }
}

/// One worker's range: its figures, then its black box, what its endpoints do, what it measures of itself, and its stack when asked.
@safe
struct SharedPage {
    let index: Int
    private let start: UnsafeMutableRawPointer

    static let byteCount = WorkerFigures.byteCount + BlackBox.byteCount + EndpointTable.byteCount + ProcessPage.byteCount + StackArea.byteCount

    init(index: Int, start: UnsafeMutableRawPointer) {
        self.index = index
        unsafe self.start = unsafe start
    }

    var figures: WorkerFigures { unsafe WorkerFigures(at: start) }
    var blackBox: BlackBox { unsafe BlackBox(at: start + WorkerFigures.byteCount) }
    var endpoints: EndpointTable { unsafe EndpointTable(at: start + WorkerFigures.byteCount + BlackBox.byteCount) }
    var process: ProcessPage {
        unsafe ProcessPage(at: start + WorkerFigures.byteCount + BlackBox.byteCount + EndpointTable.byteCount)
    }
    var stack: StackArea {
        unsafe StackArea(at: start + WorkerFigures.byteCount + BlackBox.byteCount + EndpointTable.byteCount + ProcessPage.byteCount)
    }
}
