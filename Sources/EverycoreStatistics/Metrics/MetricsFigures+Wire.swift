// The application's metrics as bytes, on their way from the master to a process that shows them, or to the master that takes its place. All
// numbers are little-endian.
//     head        UInt32 magic "ECMS", UInt16 version, UInt64 refused, UInt64 left out, UInt64 garbled, UInt32 number of series
//     each        UInt8 kind, UInt8 merge, UInt16 bytes of the name, the name (MetricIdentity.swift), the value
//     count       UInt64
//     sum         UInt64, a double's bits
//     gauge       UInt64, a double's bits; UInt64 set at
//     histogram   UInt16 number of buckets, each UInt16 bucket and UInt64 count, UInt64 sum, UInt64 maximum: nanoseconds, or doubles' bits
// Process: master, admin · Thread: loop

private let magic: UInt32 = 0x534D_4345
private let version: UInt16 = 1

extension MetricsFigures {
    /// The most that metrics can take.
    package static let maximumWireByteCount =
        64 + MetricsLedger.capacity * 2 * (20 + MetricIdentity.maximumByteCount + HistogramScale.bucketCount * 10)

    package func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 64 + series.count * 96)
        writer.append(magic)
        writer.append(version)
        for count in [refused, leftOut, garbled] { writer.append(count) }
        let named = series.compactMap { series in series.identity.encoded().map { (series, $0) } }
        writer.append(UInt32(clamping: named.count))
        for (series, name) in named {
            writer.append(series.identity.kind.rawValue)
            writer.append(series.identity.merge.rawValue)
            writer.append(UInt16(clamping: name.count))
            writer.append(name)
            series.value.write(to: &writer)
        }
        return writer.bytes
    }

    /// Nil when the bytes are not exactly one encoding.
    package init?(decoding bytes: RawSpan) {
        var offset = 0
        guard bytes.next(UInt32.self, &offset) == magic, bytes.next(UInt16.self, &offset) == version,
            let refused = bytes.next(UInt64.self, &offset), let leftOut = bytes.next(UInt64.self, &offset),
            let garbled = bytes.next(UInt64.self, &offset), let count = bytes.next(UInt32.self, &offset),
            Int(count) <= MetricsLedger.capacity * 2
        else { return nil }
        self.init(refused: refused, leftOut: leftOut, garbled: garbled)
        series.reserveCapacity(Int(count))
        for _ in 0..<count {
            guard let next = MetricSeries(reading: bytes, at: &offset) else { return nil }
            series.append(next)
        }
        guard offset == bytes.byteCount else { return nil }
    }
}

extension MetricSeries {
    fileprivate init?(reading bytes: RawSpan, at offset: inout Int) {
        guard let kind = bytes.next(UInt8.self, &offset).flatMap(MetricKind.init(rawValue:)),
            let merge = bytes.next(UInt8.self, &offset).flatMap(GaugeMerge.init(rawValue:)),
            let length = bytes.next(UInt16.self, &offset), Int(length) <= MetricIdentity.maximumByteCount
        else { return nil }
        var name: [UInt8] = []
        for _ in 0..<length {
            guard let byte = bytes.next(UInt8.self, &offset) else { return nil }
            name.append(byte)
        }
        guard let identity = MetricIdentity(kind, merge: merge, decoding: name), let value = MetricValue(kind, reading: bytes, at: &offset) else {
            return nil
        }
        self.init(identity, value)
    }
}

extension MetricValue {
    fileprivate func write(to writer: inout ByteWriter) {
        switch self {
        case .count(let count): writer.append(count)
        case .sum(let sum): writer.append(sum.bitPattern)
        case .gauge(let value, let setAt):
            writer.append(value.bitPattern)
            writer.append(setAt)
        case .timer(let counts, let sum, let maximum): Self.write(counts, sum, maximum, to: &writer)
        case .recorder(let counts, let sum, let maximum): Self.write(counts, sum.bitPattern, maximum.bitPattern, to: &writer)
        }
    }

    private static func write(_ counts: BucketCounts, _ sum: UInt64, _ maximum: UInt64, to writer: inout ByteWriter) {
        writer.append(UInt16(clamping: counts.entries.count))
        for entry in counts.entries {
            writer.append(entry.bucket)
            writer.append(entry.count)
        }
        writer.append(sum)
        writer.append(maximum)
    }

    fileprivate init?(_ kind: MetricKind, reading bytes: RawSpan, at offset: inout Int) {
        func number() -> UInt64? { bytes.next(UInt64.self, &offset) }
        func real() -> Double? { number().map { Double(bitPattern: $0) } }
        switch kind {
        case .counter:
            guard let count = number() else { return nil }
            self = .count(count)
        case .floatingCounter:
            guard let sum = real() else { return nil }
            self = .sum(sum)
        case .gauge:
            guard let value = real(), let setAt = number() else { return nil }
            self = .gauge(value, setAt: setAt)
        case .timer, .recorder:
            guard let count = bytes.next(UInt16.self, &offset) else { return nil }
            var entries: [BucketCounts.Entry] = []
            for _ in 0..<count {
                guard let bucket = bytes.next(UInt16.self, &offset), let count = number() else { return nil }
                entries.append(.init(bucket, count))
            }
            guard let counts = BucketCounts(entries), let sum = number(), let maximum = number() else { return nil }
            self =
                kind == .timer
                ? .timer(counts, sum: sum, maximum: maximum)
                : .recorder(counts, sum: Double(bitPattern: sum), maximum: Double(bitPattern: maximum))
        }
    }
}
