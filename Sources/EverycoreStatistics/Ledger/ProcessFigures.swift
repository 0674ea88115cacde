// What a worker's process takes and how its loop does: CPU time, memory, descriptors, the queue of its listeners, how late its timers are.
// What is not known is nil, never zero. The master reads it (Cluster), the ledger keeps it, the pages show it.
// Process: master, admin · Thread: loop

/// What a process has used. Only grows, and sums over processes.
package struct ProcessUsage: Equatable, Sendable {
    /// CPU time in the process's own code, and in the kernel for it; of all its threads.
    package var userNanoseconds: UInt64 = 0
    package var systemNanoseconds: UInt64 = 0
    /// How often it has waited for something, and how often the kernel has given its core to another.
    package var voluntarySwitches: UInt64 = 0
    package var involuntarySwitches: UInt64 = 0
    /// Time in which its loop did not wait for events.
    package var busyNanoseconds: UInt64 = 0

    package init() {}

    package mutating func merge(_ other: ProcessUsage) {
        combine(other) { $0.addingUpToLimit($1) }
    }

    /// Another reading of the same process: no figure goes down.
    package mutating func raise(to other: ProcessUsage) {
        combine(other) { max($0, $1) }
    }

    private mutating func combine(_ other: ProcessUsage, _ join: (UInt64, UInt64) -> UInt64) {
        userNanoseconds = join(userNanoseconds, other.userNanoseconds)
        systemNanoseconds = join(systemNanoseconds, other.systemNanoseconds)
        voluntarySwitches = join(voluntarySwitches, other.voluntarySwitches)
        involuntarySwitches = join(involuntarySwitches, other.involuntarySwitches)
        busyNanoseconds = join(busyNanoseconds, other.busyNanoseconds)
    }

    package var cpuNanoseconds: UInt64 { userNanoseconds.addingUpToLimit(systemNanoseconds) }

    /// Whether a process of this age can have used so much: far above what a machine does, since a worker may write anything.
    func isPlausible(age: UInt64) -> Bool {
        let time = age.addingUpToLimit(60_000_000_000)
        let (mostTime, overflow) = time.multipliedReportingOverflow(by: 4096)
        let most = overflow ? UInt64.max : mostTime
        return userNanoseconds <= most && systemNanoseconds <= most && voluntarySwitches <= most && involuntarySwitches <= most
            && busyNanoseconds <= time
    }
}

package struct ProcessFigures: Equatable, Sendable {
    /// The listeners of the worker's own.
    package struct AcceptQueue: Equatable, Sendable {
        /// Connections that wait to be accepted.
        package var length: UInt64
        /// So many fit; the kernel drops what comes then.
        package var limit: UInt64

        package init(length: UInt64, limit: UInt64) { (self.length, self.limit) = (length, limit) }
    }

    package struct Loop: Equatable, Sendable {
        /// How late timers fire: 99 of 100, and the latest, within the last five to ten seconds.
        package var lagP99Nanoseconds: UInt64
        package var lagMaxNanoseconds: UInt64
        /// How much of each second the loop did not wait for events, within the last interval: 0…1,000,000,000.
        package var busyNanosecondsPerSecond: UInt64

        package init(lagP99Nanoseconds: UInt64, lagMaxNanoseconds: UInt64, busyNanosecondsPerSecond: UInt64) {
            self.lagP99Nanoseconds = lagP99Nanoseconds
            self.lagMaxNanoseconds = lagMaxNanoseconds
            self.busyNanosecondsPerSecond = min(busyNanosecondsPerSecond, 1_000_000_000)
        }

        /// 0…1.
        package var busy: Double { Double(busyNanosecondsPerSecond) / 1e9 }
    }

    package struct Memory: Equatable, Sendable {
        /// Its own, and its share of the pages that it has in common with others (proc_pid_smaps(5), Pss).
        package var proportionalBytes: UInt64
        /// Pages that no other process has.
        package var privateBytes: UInt64
        /// How old this reading is: it costs the kernel a walk through the process's pages.
        package var ageNanoseconds: UInt64

        package init(proportionalBytes: UInt64, privateBytes: UInt64, ageNanoseconds: UInt64) {
            self.proportionalBytes = proportionalBytes
            self.privateBytes = privateBytes
            self.ageNanoseconds = ageNanoseconds
        }
    }

    package struct Descriptors: Equatable, Sendable {
        package var open: UInt64
        /// The soft limit. It is raised while more are needed.
        package var limit: UInt64

        package init(open: UInt64, limit: UInt64) { (self.open, self.limit) = (open, limit) }
    }

    package var usage: ProcessUsage?
    package var acceptQueue: AcceptQueue?
    package var loop: Loop?
    package var memory: Memory?
    package var descriptors: Descriptors?

    package init() {}
}

extension ProcessFigures {
    /// Several processes together, and what processes have used that are gone.
    init(of all: [ProcessFigures], departed: ProcessUsage?, _ sharedQueue: AcceptQueue?) {
        self.init()
        usage = departed
        for process in all { usage.merge(process.usage) }
        acceptQueue = Self.join(all.compactMap(\.acceptQueue) + [sharedQueue].compactMap { $0 }) {
            AcceptQueue(length: $0.length.addingUpToLimit($1.length), limit: $0.limit.addingUpToLimit($1.limit))
        }
        memory = Self.join(all.lazy.compactMap(\.memory)) {
            Memory(
                proportionalBytes: $0.proportionalBytes.addingUpToLimit($1.proportionalBytes),
                privateBytes: $0.privateBytes.addingUpToLimit($1.privateBytes), ageNanoseconds: max($0.ageNanoseconds, $1.ageNanoseconds))
        }
        descriptors = Self.join(all.lazy.compactMap(\.descriptors)) {
            Descriptors(open: $0.open.addingUpToLimit($1.open), limit: $0.limit.addingUpToLimit($1.limit))
        }
        let loops = all.compactMap(\.loop)
        guard !loops.isEmpty else { return }
        // Each is a billion at most, and there are 1024 slots.
        let busy = loops.reduce(UInt64(0)) { $0.addingUpToLimit($1.busyNanosecondsPerSecond) } / UInt64(loops.count)
        loop = Loop(
            lagP99Nanoseconds: loops.reduce(0) { max($0, $1.lagP99Nanoseconds) },
            lagMaxNanoseconds: loops.reduce(0) { max($0, $1.lagMaxNanoseconds) }, busyNanosecondsPerSecond: busy)
    }

    private static func join<Part>(_ parts: some Sequence<Part>, _ body: (Part, Part) -> Part) -> Part? {
        parts.reduce(nil) { sum, part in sum.map { body($0, part) } ?? part }
    }
}

extension ProcessUsage? {
    mutating func merge(_ other: ProcessUsage?) {
        guard let other else { return }
        var sum = self ?? ProcessUsage()
        sum.merge(other)
        self = sum
    }
}
