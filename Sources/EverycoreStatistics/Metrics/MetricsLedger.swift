// The books of the application's metrics: what each living process counts, and the sum of what those counted that are gone. A pure value:
// readings of pages go in, `MetricsFigures` come out. Series are numbered, so that a reading costs no look-up of a name.
//
// Bounded: by so many series in all, however many processes have come and gone. The books keep nothing of a process that is gone but its
// part of the sums.
// Process: master · Thread: loop

package struct MetricsLedger: Equatable, Sendable {
    /// Series of all processes, living and gone. More are counted and left out.
    package static let capacity = 4 * MetricsRegion.capacity

    private struct Entry: Equatable, Sendable {
        let identity: MetricIdentity
        /// Living processes that have it.
        var holders = 0
        /// What processes counted that are gone, or have given it up.
        var retired: MetricValue
    }

    /// A process's series, by their places in its page.
    private struct Seat: Equatable, Sendable {
        /// Nil where there was no room, or the name can't be read.
        var entry: Int?
        var epoch: UInt32
        var value: MetricValue
        var isLive: Bool
    }

    private struct Process: Equatable, Sendable {
        var seats: [Seat] = []
        var refused: UInt64 = 0
        /// Gauges of the dying don't count.
        var hasGauges = true
    }

    private var entries: [Entry?] = []
    private var freeEntries: [Int] = []
    private var numbers: [MetricIdentity: Int] = [:]
    private var processes: [Int32: Process] = [:]
    private var retiredRefused: UInt64 = 0
    private var leftOut: UInt64 = 0
    private var garbled: UInt64 = 0
    /// What another master's processes have counted, whose place this one takes.
    private var carried: [MetricIdentity: MetricValue] = [:]
    private var carriedCounts = MetricsFigures()
    /// Given up by the last process that had them: they begin anew.
    private var dropped: Set<MetricIdentity> = []

    package init() {}

    package var seriesCount: Int { numbers.count }
    package var processCount: Int { processes.count }

    package mutating func started(_ process: Int32) { processes[process] = Process() }

    /// Whether the ledger knows what a place of a process's page holds.
    package func isKnown(_ process: Int32, place: Int, epoch: UInt32) -> Bool { seat(process, place)?.epoch == epoch }

    /// A place has become a series'. Places come in ascending order at first.
    /// - Parameter identity: nil where the place holds none.
    package mutating func began(_ process: Int32, place: Int, epoch: UInt32, _ identity: MetricIdentity?) {
        guard let count = processes[process]?.seats.count, place <= count else { return }
        if place < count { giveUp(process, place: place) }
        var seat = Seat(entry: nil, epoch: epoch, value: .count(0), isLive: identity != nil)
        if let identity {
            seat.entry = number(of: identity)
            seat.value = .zero(identity.kind)
            if seat.entry == nil { leftOut = leftOut.addingUpToLimit(1) }
        }
        if let entry = seat.entry { entries[entry]?.holders += 1 }
        if place == count { processes[process]?.seats.append(seat) } else { processes[process]?.seats[place] = seat }
    }

    /// A place's name can't be read.
    package mutating func noteGarbled() { garbled = garbled.addingUpToLimit(1) }

    /// The last reading of a place that counts.
    package func value(_ process: Int32, place: Int) -> MetricValue? {
        guard let seat = seat(process, place), seat.isLive, seat.entry != nil else { return nil }
        return seat.value
    }

    /// The kind of the series at a place that counts.
    package func kind(_ process: Int32, place: Int) -> MetricKind? {
        guard let seat = seat(process, place), seat.isLive, let entry = seat.entry else { return nil }
        return entries[entry]?.identity.kind
    }

    /// A place was read.
    package mutating func read(_ process: Int32, place: Int, _ value: MetricValue) {
        guard let before = self.value(process, place: place) else { return }
        guard before.canBecome(value) else { return noteGarbled() }
        processes[process]?.seats[place].value.raise(to: value)
    }

    /// A process has given a series up, after its last value was read. Where no other process has it, it goes, with all that was counted.
    package mutating func giveUp(_ process: Int32, place: Int) {
        guard let seat = seat(process, place), seat.isLive else { return }
        processes[process]?.seats[place] = Seat(entry: nil, epoch: seat.epoch, value: .count(0), isLive: false)
        guard let entry = seat.entry else { return }
        retire(seat.value, entry)
        if entries[entry]?.holders == 0 { drop(entry) }
    }

    private func seat(_ process: Int32, _ place: Int) -> Seat? {
        guard let count = processes[process]?.seats.count, place >= 0, place < count else { return nil }
        return processes[process]?.seats[place]
    }

    package mutating func refused(_ process: Int32, _ count: UInt64) {
        guard let before = processes[process]?.refused else { return }
        processes[process]?.refused = max(before, min(count, before.addingUpToLimit(1 << 40)))
    }

    /// A process serves nothing any more: its gauges vanish.
    package mutating func disconnected(_ process: Int32) { processes[process]?.hasGauges = false }

    /// A process is gone, after its last values were read: they move to the sums.
    package mutating func ended(_ process: Int32) {
        guard let gone = processes.removeValue(forKey: process) else { return }
        retiredRefused = retiredRefused.addingUpToLimit(gone.refused)
        for seat in gone.seats where seat.isLive {
            guard let entry = seat.entry else { continue }
            retire(seat.value, entry)
            // Nothing stays of a gauge.
            if let left = entries[entry], left.holders == 0, !left.identity.kind.isCumulative { free(entry) }
        }
    }

    /// Another master tells what its processes have counted until now; each time all of it.
    package mutating func carry(_ figures: MetricsFigures) {
        carried = [:]
        for series in figures.series where series.identity.kind.isCumulative && !dropped.contains(series.identity) {
            guard carried.count < Self.capacity else { break }
            carried[series.identity] = series.value
        }
        carriedCounts = figures
        carriedCounts.series = []
    }

    package func figures() -> MetricsFigures {
        var values = entries.map { $0?.retired }
        var refused = retiredRefused.addingUpToLimit(carriedCounts.refused)
        for process in processes.values {
            refused = refused.addingUpToLimit(process.refused)
            for seat in process.seats where seat.isLive {
                guard let number = seat.entry, let identity = entries[number]?.identity else { continue }
                if identity.kind == .gauge, !process.hasGauges { continue }
                values[number]?.merge(seat.value, as: identity.merge)
            }
        }
        var rest = carried
        var series: [MetricSeries] = []
        for (entry, value) in zip(entries, values) {
            guard let identity = entry?.identity, var value else { continue }
            if let more = rest.removeValue(forKey: identity) { value.merge(more) }
            if value.isSet { series.append(MetricSeries(identity, value)) }
        }
        for (identity, value) in rest { series.append(MetricSeries(identity, value)) }
        series.sort { MetricIdentity.isBefore($0.identity, $1.identity) }
        return MetricsFigures(
            series: series, refused: refused, leftOut: leftOut.addingUpToLimit(carriedCounts.leftOut),
            garbled: garbled.addingUpToLimit(carriedCounts.garbled))
    }

    // MARK: Entries

    private mutating func number(of identity: MetricIdentity) -> Int? {
        if let number = numbers[identity] { return number }
        guard numbers.count < Self.capacity else { return nil }
        let entry = Entry(identity: identity, retired: .zero(identity.kind))
        let number = freeEntries.popLast() ?? entries.count
        if number == entries.count { entries.append(entry) } else { entries[number] = entry }
        numbers[identity] = number
        return number
    }

    private mutating func retire(_ value: MetricValue, _ entry: Int) {
        guard entries[entry] != nil else { return }
        entries[entry]?.holders -= 1
        if entries[entry]?.identity.kind.isCumulative == true { entries[entry]?.retired.merge(value) }
    }

    private mutating func drop(_ entry: Int) {
        guard let identity = entries[entry]?.identity else { return }
        if carried.removeValue(forKey: identity) != nil, dropped.count < Self.capacity { dropped.insert(identity) }
        free(entry)
    }

    private mutating func free(_ entry: Int) {
        guard let identity = entries[entry]?.identity else { return }
        numbers[identity] = nil
        entries[entry] = nil
        freeEntries.append(entry)
    }
}
