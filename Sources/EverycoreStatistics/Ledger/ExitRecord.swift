// How workers ended: the last hundred ends one by one, and all of them counted by kind. Plain values, made by the master when it
// has reaped a worker, and sent to the admin worker with the other figures.
// Process: master, admin · Thread: loop

package struct ExitRecord: Equatable, Sendable {
    /// Why a worker ended, in as few kinds as an alarm can tell apart. The raw value travels to the admin worker.
    package enum Kind: UInt8, CaseIterable, Sendable, CustomStringConvertible {
        /// It was told to go, and went.
        case voluntary = 0
        /// It exited without an order: its body threw, or a handler called exit(3).
        case status = 1
        /// A trap, an abort, a bad access.
        case crash = 2
        /// A signal from elsewhere.
        case killed = 3
        case outOfMemory = 4
        /// The master ended it, because its loop did not turn.
        case stuck = 5
        /// The process could not be made.
        case notStarted = 6

        package var description: String {
            switch self {
            case .voluntary: "voluntary"
            case .status: "status"
            case .crash: "crash"
            case .killed: "killed"
            case .outOfMemory: "out_of_memory"
            case .stuck: "stuck"
            case .notStarted: "not_started"
            }
        }
    }

    package struct Request: Equatable, Sendable {
        package let description: String
        package let ageNanoseconds: UInt64

        package init(description: String, ageNanoseconds: UInt64) {
            self.description = ExitRecord.plain(description)
            self.ageNanoseconds = ageNanoseconds
        }
    }

    /// So many are kept.
    package static let keptCount = 100
    package static let noSlot = -1
    /// No text is longer, in bytes.
    package static let textByteCount = 240

    package let id: Int
    /// `noSlot` for the quarantine worker.
    package let slot: Int
    package let generation: Int
    /// 0 when there was no process.
    package let pid: Int32
    package let kind: Kind
    /// Such as `SIGKILL` or `status 1`.
    package let reason: String
    package let unixSeconds: UInt64
    package var uptimeNanoseconds: UInt64 = 0
    package var requests: UInt64 = 0
    package var peakResidentBytes: UInt64 = 0
    /// Nil where it is unknown.
    package var outOfMemory: Bool?
    package var request: Request?
    package var waitingRequests: UInt64 = 0

    package init(id: Int, slot: Int, generation: Int, pid: Int32, kind: Kind, reason: String, unixSeconds: UInt64) {
        self.id = id
        self.slot = slot
        self.generation = generation
        self.pid = pid
        self.kind = kind
        self.reason = Self.plain(reason)
        self.unixSeconds = unixSeconds
    }

    static func isPlain(_ byte: UInt8) -> Bool { (0x20..<0x7F).contains(byte) }

    /// Printable ASCII, and no more of it than there is room for.
    static func plain(_ text: String) -> String {
        String(decoding: text.utf8.prefix(textByteCount).map { isPlain($0) ? $0 : UInt8(ascii: "?") }, as: UTF8.self)
    }
}

/// Ends of workers since the cluster began, by kind.
package struct ExitCounts: Equatable, Sendable {
    private var counts = [UInt64](repeating: 0, count: ExitRecord.Kind.allCases.count)

    package init() {}

    package subscript(kind: ExitRecord.Kind) -> UInt64 {
        get { counts[Int(kind.rawValue)] }
        set { counts[Int(kind.rawValue)] = newValue }
    }

    mutating func merge(_ others: ExitCounts) {
        for kind in ExitRecord.Kind.allCases { self[kind] = self[kind].addingUpToLimit(others[kind]) }
    }
}
