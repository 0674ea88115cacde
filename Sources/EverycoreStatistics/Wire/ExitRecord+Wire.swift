// Ends of workers on their way from the master to the admin worker, after the slots. All numbers are little-endian.
//     counts     UInt64 × ExitRecord.Kind
//     number     UInt8, at most ExitRecord.keptCount
//     each exit  UInt64 id, Int32 slot, UInt32 generation, UInt32 pid, UInt8 kind, text (reason), UInt64 unix seconds, UInt64 uptime,
//                UInt64 requests, UInt64 peak resident bytes, UInt8 out of memory (0 no, 1 yes, 2 unknown), UInt64 waiting requests,
//                UInt8 1 when a request follows: text, UInt64 age; else 0
//     text       UInt8 number of bytes, printable ASCII
// Process: any · Thread: loop

extension ExitRecord {
    /// The most that all of it can take.
    static let maximumWireByteCount = 256 + keptCount * (128 + 2 * (textByteCount + 1))

    static func write(_ exits: [ExitRecord], _ counts: ExitCounts, to writer: inout ByteWriter) {
        for kind in Kind.allCases { writer.append(counts[kind]) }
        let kept = exits.suffix(keptCount)
        writer.append(UInt8(truncatingIfNeeded: kept.count))
        for exit in kept { exit.write(to: &writer) }
    }

    /// Nil when the bytes end early or hold what no master writes: there is one way to write exits.
    static func read(_ bytes: RawSpan, at offset: inout Int) -> (exits: [ExitRecord], counts: ExitCounts)? {
        var counts = ExitCounts()
        for kind in Kind.allCases {
            guard let count = bytes.next(UInt64.self, &offset) else { return nil }
            counts[kind] = count
        }
        guard let count = bytes.next(UInt8.self, &offset), Int(count) <= keptCount else { return nil }
        var exits: [ExitRecord] = []
        for _ in 0..<count {
            guard let exit = ExitRecord(reading: bytes, at: &offset) else { return nil }
            exits.append(exit)
        }
        return (exits, counts)
    }

    private func write(to writer: inout ByteWriter) {
        writer.append(UInt64(clamping: id))
        writer.append(UInt32(bitPattern: Int32(clamping: slot)))
        writer.append(UInt32(clamping: generation))
        writer.append(UInt32(bitPattern: pid))
        writer.append(kind.rawValue)
        Self.write(reason, to: &writer)
        for number in [unixSeconds, uptimeNanoseconds, requests, peakResidentBytes] { writer.append(number) }
        writer.append(UInt8(outOfMemory.map { $0 ? 1 : 0 } ?? 2))
        writer.append(waitingRequests)
        writer.append(UInt8(request == nil ? 0 : 1))
        guard let request else { return }
        Self.write(request.description, to: &writer)
        writer.append(request.ageNanoseconds)
    }

    private init?(reading bytes: RawSpan, at offset: inout Int) {
        guard let id = bytes.next(UInt64.self, &offset).flatMap(Int.init(exactly:)),
            let slot = bytes.next(UInt32.self, &offset), let generation = bytes.next(UInt32.self, &offset),
            let pid = bytes.next(UInt32.self, &offset),
            let kind = bytes.next(UInt8.self, &offset).flatMap(Kind.init(rawValue:)),
            let reason = Self.text(bytes, &offset), let unixSeconds = bytes.next(UInt64.self, &offset),
            let uptime = bytes.next(UInt64.self, &offset), let requests = bytes.next(UInt64.self, &offset),
            let peak = bytes.next(UInt64.self, &offset), let memory = bytes.next(UInt8.self, &offset), memory <= 2,
            let waiting = bytes.next(UInt64.self, &offset), let hasRequest = bytes.next(UInt8.self, &offset), hasRequest <= 1
        else { return nil }
        let place = Int(Int32(bitPattern: slot))
        guard place >= Self.noSlot else { return nil }
        self.init(
            id: id, slot: place, generation: Int(generation), pid: Int32(bitPattern: pid), kind: kind, reason: reason,
            unixSeconds: unixSeconds)
        uptimeNanoseconds = uptime
        self.requests = requests
        peakResidentBytes = peak
        outOfMemory = memory == 2 ? nil : memory == 1
        waitingRequests = waiting
        guard hasRequest == 1 else { return }
        guard let description = Self.text(bytes, &offset), let age = bytes.next(UInt64.self, &offset) else { return nil }
        request = Request(description: description, ageNanoseconds: age)
    }

    static func write(_ text: String, to writer: inout ByteWriter) {
        let bytes = Array(text.utf8.prefix(textByteCount))
        writer.append(UInt8(truncatingIfNeeded: bytes.count))
        writer.append(bytes)
    }

    static func text(_ bytes: RawSpan, _ offset: inout Int) -> String? {
        guard let count = bytes.next(UInt8.self, &offset), Int(count) <= textByteCount else { return nil }
        var text: [UInt8] = []
        for _ in 0..<count {
            guard let byte = bytes.next(UInt8.self, &offset), isPlain(byte) else { return nil }
            text.append(byte)
        }
        return String(decoding: text, as: UTF8.self)
    }
}
