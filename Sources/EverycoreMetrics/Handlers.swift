// What counts: each handler has the address of its words in this process's pages. Any thread may count, so additions are atomic: an addition
// on x86 is one instruction (`lock xadd`), and no handler takes a lock.
// Process: any · Thread: any

#if Metrics || TestPrograms
internal import CoreMetrics
internal import EverycoreLoop
internal import EverycoreStatistics
internal import Synchronization

/// Where a series counts.
@safe
struct SeriesPlace {
    let identity: MetricIdentity
    /// Nil for a series that was refused.
    let index: Int?
    let words: UnsafeMutablePointer<MetricsRegion.Word>?
}

@safe
class SeriesHandler: @unchecked Sendable {
    final let identity: MetricIdentity
    final let index: Int?
    private final let address: Atomic<UnsafeMutablePointer<MetricsRegion.Word>?>

    init(_ place: SeriesPlace) {
        identity = place.identity
        index = place.index
        unsafe address = unsafe Atomic(place.words)
    }

    /// The series was destroyed: its words may become another's.
    final func close() { unsafe address.store(nil, ordering: .relaxed) }

    /// Nil where this process counts nothing.
    @inline(__always)
    final var words: UnsafeMutablePointer<MetricsRegion.Word>? { unsafe address.load(ordering: .relaxed) }
}

/// Doubles are kept as their bits.
@inline(__always)
private func add(_ amount: Double, to word: UnsafeMutablePointer<MetricsRegion.Word>) {
    var seen = unsafe word.pointee.load(ordering: .relaxed)
    while true {
        let sum = (Double(bitPattern: seen) + amount).bitPattern
        let (exchanged, original) = unsafe word.pointee.weakCompareExchange(expected: seen, desired: sum, ordering: .releasing)
        if exchanged { return }
        seen = original
    }
}

/// Raises a maximum. Almost always it is one load.
@inline(__always)
private func raise(_ word: UnsafeMutablePointer<MetricsRegion.Word>, to value: UInt64, _ isBelow: (UInt64) -> Bool) {
    var seen = unsafe word.pointee.load(ordering: .relaxed)
    while isBelow(seen) {
        let (exchanged, original) = unsafe word.pointee.weakCompareExchange(expected: seen, desired: value, ordering: .relaxed)
        if exchanged { return }
        seen = original
    }
}

final class CountHandler: SeriesHandler, CounterHandler, @unchecked Sendable {
    /// A counter never goes down: zero and less change nothing.
    func increment(by amount: Int64) {
        guard amount > 0, let word = unsafe words else { return }
        unsafe word.pointee.wrappingAdd(UInt64(amount), ordering: .relaxed)
    }

    /// Changes nothing: a sum over processes that went down would look as if all the rest had been counted anew.
    func reset() {}
}

final class FloatingCountHandler: SeriesHandler, FloatingPointCounterHandler, @unchecked Sendable {
    func increment(by amount: Double) {
        guard amount > 0, amount.isFinite, let word = unsafe words else { return }
        unsafe add(amount, to: word)
    }

    func reset() {}
}

final class GaugeHandler: SeriesHandler, MeterHandler, RecorderHandler, @unchecked Sendable {
    private let isTimed: Bool

    init(_ place: SeriesPlace, isTimed: Bool) {
        self.isTimed = isTimed
        super.init(place)
    }

    func record(_ value: Int64) { set(Double(value)) }
    func record(_ value: Double) { set(value) }
    func set(_ value: Int64) { set(Double(value)) }

    func set(_ value: Double) {
        guard let word = unsafe words else { return }
        unsafe word.pointee.store(value.bitPattern, ordering: .relaxed)
        unsafe noteTime(word)
    }

    func increment(by amount: Double) { change(by: amount) }
    func decrement(by amount: Double) { change(by: -amount) }

    private func change(by amount: Double) {
        guard amount.isFinite, let word = unsafe words else { return }
        unsafe add(amount, to: word)
        unsafe noteTime(word)
    }

    @inline(__always)
    private func noteTime(_ word: UnsafeMutablePointer<MetricsRegion.Word>) {
        unsafe word[1].store(isTimed ? EventLoop.monotonicNanoseconds() : 1, ordering: .relaxed)
    }
}

final class TimeHandler: SeriesHandler, TimerHandler, @unchecked Sendable {
    func recordNanoseconds(_ duration: Int64) {
        guard let words = unsafe self.words else { return }
        let nanoseconds = min(UInt64(max(duration, 0)), MetricValue.longestTime)
        unsafe words[HistogramScale.bucket(of: nanoseconds)].wrappingAdd(1, ordering: .relaxed)
        unsafe raise(words + MetricsRegion.maximumWord, to: nanoseconds) { $0 < nanoseconds }
        unsafe words[MetricsRegion.sumWord].wrappingAdd(nanoseconds, ordering: .releasing)
    }
}

final class DistributionHandler: SeriesHandler, RecorderHandler, @unchecked Sendable {
    private static let greatest = 1e100

    func record(_ value: Int64) { record(Double(value)) }

    func record(_ value: Double) {
        guard value.isFinite, let words = unsafe self.words else { return }
        // No sum of such values is infinite.
        let value = min(max(value, -Self.greatest), Self.greatest)
        unsafe words[RecorderScale.bucket(of: value)].wrappingAdd(1, ordering: .relaxed)
        unsafe raise(words + MetricsRegion.maximumWord, to: value.bitPattern) { Double(bitPattern: $0) < value }
        unsafe add(value, to: words + MetricsRegion.sumWord)
    }
}
#endif
