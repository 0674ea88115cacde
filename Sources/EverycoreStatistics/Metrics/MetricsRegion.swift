// The pages in which one process counts the application's metrics: written by its threads with atomic additions and stores, read by the
// master at any moment, also when the process is dead. A place's number says where its words are, so there is nothing in here that the
// master would have to believe: it bounds the number of places, and decodes names as a stranger's.
//
//     0         UInt64 × 8         head: see `Head`
//     4096      UInt64 × capacity  a word for each place: state, kind, merge and how often it has been taken
//     then      2 × UInt64         a scalar for each place: the value, and when a gauge was set
//     then      512 bytes          a name for each place: UInt16 bytes, then MetricIdentity's encoding
//     then      867 × UInt64       a histogram for each place: buckets, sum, maximum
//
// The memory is sparse: what no series uses is never touched. A timer's or recorder's histogram is, also by its reader.
// Process: any · Thread: any

package import Synchronization

/// A view: copying it copies the pointer.
@safe
package struct MetricsRegion: @unchecked Sendable {
    /// Series that one process can have.
    package static let capacity = 4096
    private static let nameByteCount = 512
    package static let histogramWordCount = HistogramScale.bucketCount + 2
    package static let sumWord = HistogramScale.bucketCount
    package static let maximumWord = HistogramScale.bucketCount + 1

    private static let statesOffset = 4096
    private static let scalarsOffset = statesOffset + capacity * 8
    private static let namesOffset = scalarsOffset + capacity * 16
    private static let histogramsOffset = namesOffset + capacity * nameByteCount
    package static let byteCount = (histogramsOffset + capacity * histogramWordCount * 8 + 4095) / 4096 * 4096

    package typealias Word = Atomic<UInt64>

    /// Words of the head.
    private enum Head: Int {
        /// How many places there have been.
        case used = 0
        case refused = 1
        /// How many places have been given up, ever.
        case destroyed = 2
    }

    package enum State: UInt8 {
        case free = 0
        case live = 1
        /// Given up; the master has not taken the value yet.
        case destroyed = 2
        /// The master has taken the value: the place is free for another series.
        case taken = 3
    }

    /// A place's word.
    package struct Place: Equatable, Sendable {
        package var bits: UInt64

        package init(bits: UInt64) { self.bits = bits }

        package init(_ state: State, _ kind: MetricKind, _ merge: GaugeMerge, epoch: UInt32) {
            bits = UInt64(state.rawValue) | UInt64(kind.rawValue) << 8 | UInt64(merge.rawValue) << 16 | UInt64(epoch) << 32
        }

        package var state: State? { State(rawValue: UInt8(truncatingIfNeeded: bits)) }
        package var kind: MetricKind? { MetricKind(rawValue: UInt8(truncatingIfNeeded: bits >> 8)) }
        package var merge: GaugeMerge? { GaugeMerge(rawValue: UInt8(truncatingIfNeeded: bits >> 16)) }
        /// How often the place has been taken by a series.
        package var epoch: UInt32 { UInt32(truncatingIfNeeded: bits >> 32) }

        package func becoming(_ state: State) -> Place { Place(bits: bits & ~0xFF | UInt64(state.rawValue)) }
    }

    private let start: UnsafeMutableRawPointer

    /// - Parameter memory: `byteCount` zeroed bytes, aligned to a page, that outlive every copy of this view.
    package init(at memory: UnsafeMutableRawPointer) { unsafe start = memory }

    package var address: UnsafeMutableRawPointer { unsafe start }

    private func words(at offset: Int) -> UnsafeMutablePointer<Word> { unsafe (start + offset).assumingMemoryBound(to: Word.self) }
    private func head(_ word: Head) -> UnsafeMutablePointer<Word> { unsafe words(at: word.rawValue * 8) }
    private func state(_ index: Int) -> UnsafeMutablePointer<Word> { unsafe words(at: Self.statesOffset + index * 8) }

    /// The value of a counter or a gauge; behind it, when the gauge was set.
    package func scalar(_ index: Int) -> UnsafeMutablePointer<Word> { unsafe words(at: Self.scalarsOffset + index * 16) }

    /// A histogram's first bucket.
    package func histogram(_ index: Int) -> UnsafeMutablePointer<Word> {
        unsafe words(at: Self.histogramsOffset + index * Self.histogramWordCount * 8)
    }

    // MARK: The process that counts; under its lock

    /// How many places have been used.
    package var used: Int {
        let count = unsafe head(.used).pointee.load(ordering: .acquiring)
        return Int(truncatingIfNeeded: min(count, UInt64(Self.capacity)))
    }

    package func place(_ index: Int) -> Place { unsafe Place(bits: state(index).pointee.load(ordering: .acquiring)) }

    /// Makes a place a series'. It must be free or taken, and the name no longer than `MetricIdentity.maximumByteCount`.
    package func begin(_ identity: MetricIdentity, name: [UInt8], at index: Int) {
        let epoch = place(index).epoch &+ 1
        unsafe scalar(index)[0].store(0, ordering: .relaxed)
        unsafe scalar(index)[1].store(0, ordering: .relaxed)
        if identity.kind.isHistogram, epoch > 1 {
            for word in 0..<Self.histogramWordCount { unsafe histogram(index)[word].store(0, ordering: .relaxed) }
        }
        write(name, at: index)
        unsafe state(index).pointee.store(Place(.live, identity.kind, identity.merge, epoch: epoch).bits, ordering: .releasing)
        if index >= used { unsafe head(.used).pointee.store(UInt64(index + 1), ordering: .releasing) }
    }

    private func write(_ name: [UInt8], at index: Int) {
        let target = unsafe start + Self.namesOffset + index * Self.nameByteCount
        unsafe target.storeBytes(of: UInt16(truncatingIfNeeded: name.count), as: UInt16.self)
        unsafe name.withUnsafeBytes { bytes in
            if let source = bytes.baseAddress { unsafe (target + 2).copyMemory(from: source, byteCount: min(bytes.count, Self.nameByteCount - 2)) }
        }
    }

    /// Gives a series up. What it has come to stays for the master to take.
    package func destroy(_ index: Int) {
        let place = place(index)
        guard place.state == .live else { return }
        unsafe state(index).pointee.store(place.becoming(.destroyed).bits, ordering: .releasing)
        unsafe head(.destroyed).pointee.wrappingAdd(1, ordering: .releasing)
    }

    /// Goes on with a series that was given up, where the master has not taken its value yet.
    package func revive(_ index: Int) -> Bool {
        let place = place(index)
        guard place.state == .destroyed else { return false }
        return unsafe state(index).pointee.compareExchange(
            expected: place.bits, desired: place.becoming(.live).bits, ordering: .acquiringAndReleasing
        ).exchanged
    }

    package func noteRefusal() { unsafe head(.refused).pointee.wrappingAdd(1, ordering: .relaxed) }

    /// The names that another process is to begin with: its series are at the same places, and have counted nothing. To be called before
    /// `self` is anyone's.
    package func takeNames(of other: MetricsRegion) {
        for index in 0..<other.used {
            let place = other.place(index)
            if place.state == .live {
                let offset = Self.namesOffset + index * Self.nameByteCount
                unsafe (start + offset).copyMemory(from: other.start + offset, byteCount: Self.nameByteCount)
            }
            let copy = place.state == .live ? place : place.becoming(.taken)
            unsafe state(index).pointee.store(copy.bits, ordering: .relaxed)
        }
        unsafe head(.used).pointee.store(UInt64(other.used), ordering: .releasing)
    }

    // MARK: The master

    package var refused: UInt64 { unsafe head(.refused).pointee.load(ordering: .relaxed) }
    package var destroyed: UInt64 { unsafe head(.destroyed).pointee.load(ordering: .acquiring) }

    /// The value of a series that was given up has been taken, unless the process has gone on with it.
    package func take(_ index: Int, at seen: Place) -> Bool {
        unsafe state(index).pointee.compareExchange(
            expected: seen.bits, desired: seen.becoming(.taken).bits, ordering: .acquiringAndReleasing
        ).exchanged
    }

    /// What a place is about; nil where that can't be read.
    package func identity(at index: Int, _ place: Place) -> MetricIdentity? {
        guard let kind = place.kind, let merge = place.merge else { return nil }
        let source = unsafe start + Self.namesOffset + index * Self.nameByteCount
        let count = Int(unsafe source.load(as: UInt16.self))
        guard count <= Self.nameByteCount - 2 else { return nil }
        let bytes = unsafe Array(UnsafeRawBufferPointer(start: source + 2, count: count))
        return MetricIdentity(kind, merge: merge, decoding: bytes)
    }

    /// Whether a timer's sum and its first bucket are these: then it has counted nothing since they were.
    package func timerIs(at index: Int, sum: UInt64, shortest: UInt64) -> Bool {
        let words = unsafe histogram(index)
        return unsafe words[Self.sumWord].load(ordering: .relaxed) == sum && words[0].load(ordering: .relaxed) == shortest
    }

    package func value(at index: Int, _ kind: MetricKind) -> MetricValue {
        let scalar = unsafe scalar(index)
        func word(_ offset: Int) -> UInt64 { unsafe scalar[offset].load(ordering: .relaxed) }
        switch kind {
        case .counter: return .count(word(0))
        case .floatingCounter: return .sum(Double(bitPattern: word(0)))
        case .gauge:
            let value = Double(bitPattern: word(0))
            return .gauge(value, setAt: word(1))
        case .timer, .recorder:
            let words = unsafe histogram(index)
            func entry(_ offset: Int) -> UInt64 { unsafe words[offset].load(ordering: .relaxed) }
            // The sum is written last and read first: once it has stopped changing, nothing of what it stands for is missing.
            let sum = unsafe words[Self.sumWord].load(ordering: .acquiring)
            let counts = BucketCounts { entry($0) }
            if kind == .timer { return .timer(counts, sum: sum, maximum: entry(Self.maximumWord)) }
            return .recorder(counts, sum: Double(bitPattern: sum), maximum: Double(bitPattern: entry(Self.maximumWord)))
        }
    }
}
