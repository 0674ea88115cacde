// The small values that the master's part in lines is made of.
// Process: master · Thread: loop

internal import EverycoreLoop
internal import Glibc

/// What a child has of its master's lines.
struct LineInheritance {
    /// A worker's.
    var ring: LineRing?
    var wake: Int32 = -1
    /// The writer's.
    var writer: LineWriterBirth?

    /// The worker's end of its ring.
    func producer() -> LineProducer? {
        guard let ring else { return nil }
        return LineProducer(ring) { [wake] in
            var one: UInt64 = 1
            _ = unsafe write(wake, &one, 8)
        }
    }
}

/// Why the file was not reopened.
enum LineReopenFailure: Error, CustomStringConvertible {
    /// There is none.
    case off
    case system(SystemError)
    case writerSilent

    var description: String {
        switch self {
        case .off: "there is no access log: access_log is off"
        case .system(let error): error.description
        case .writerSilent: "the access log's writer has not taken the new file within 5 s: the disk may be slow"
        }
    }
}

/// How long a writer that has died waits for its successor: not at all, but where it dies again and again. Never long, since the rings fill
/// meanwhile. A pure value.
package struct LineWriterBackoff {
    private var startedAt: UInt64?
    private var failures = 0

    private static let young: UInt64 = 1_000_000_000

    package init() {}

    package mutating func started(now: UInt64) { startedAt = now }

    package mutating func delay(now: UInt64) -> Duration {
        guard let startedAt, now &- min(startedAt, now) < Self.young else {
            failures = 0
            return .zero
        }
        failures = min(failures + 1, 7)
        return min(.milliseconds(50 << failures), .milliseconds(500))
    }
}

/// Those that wait until the writer has taken a file.
struct Reopening {
    private var last: UInt32 = 0
    private var waiting: [(number: UInt32, timer: LoopTimer, done: (Result<Void, LineReopenFailure>) -> Void)] = []

    mutating func nextNumber() -> UInt32 {
        last &+= 1
        return last
    }

    mutating func add(_ number: UInt32, _ timer: LoopTimer, _ done: @escaping (Result<Void, LineReopenFailure>) -> Void) {
        waiting.append((number, timer, done))
    }

    /// A file that was taken takes the place of those before it. Numbers wrap around.
    mutating func take(upTo number: UInt32) -> [(Result<Void, LineReopenFailure>) -> Void] {
        let taken = waiting.filter { Int32(bitPattern: number &- $0.number) >= 0 }
        waiting.removeAll { Int32(bitPattern: number &- $0.number) >= 0 }
        return taken.map(\.done)
    }
}
