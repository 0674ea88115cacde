// What is known of a worker's process, on its way from the master to the admin worker: at the end of each slot. All numbers are
// little-endian.
//     UInt8 which groups follow: bit 0 usage, 1 accept queue, 2 loop, 3 memory, 4 descriptors; then each group's numbers as UInt64
// Process: any · Thread: loop

extension ProcessFigures {
    static let maximumWireByteCount = 1 + 15 * 8

    func write(to writer: inout ByteWriter) {
        let isThere = [usage != nil, acceptQueue != nil, loop != nil, memory != nil, descriptors != nil]
        writer.append(isThere.enumerated().reduce(UInt8(0)) { $1.element ? $0 | 1 << UInt8($1.offset) : $0 })
        usage?.write(to: &writer)
        if let acceptQueue {
            writer.append(acceptQueue.length)
            writer.append(acceptQueue.limit)
        }
        if let loop {
            writer.append(loop.lagP99Nanoseconds)
            writer.append(loop.lagMaxNanoseconds)
            writer.append(loop.busyNanosecondsPerSecond)
        }
        if let memory {
            writer.append(memory.proportionalBytes)
            writer.append(memory.privateBytes)
            writer.append(memory.ageNanoseconds)
        }
        if let descriptors {
            writer.append(descriptors.open)
            writer.append(descriptors.limit)
        }
    }

    /// Nil when the bytes end early or hold what no master writes.
    init?(reading bytes: RawSpan, at offset: inout Int) {
        self.init()
        guard let groups = bytes.next(UInt8.self, &offset), groups < 1 << 5 else { return nil }
        if groups & 1 != 0 {
            guard let usage = ProcessUsage(reading: bytes, at: &offset) else { return nil }
            self.usage = usage
        }
        if groups & 2 != 0 {
            guard let length = bytes.next(UInt64.self, &offset), let limit = bytes.next(UInt64.self, &offset) else { return nil }
            acceptQueue = AcceptQueue(length: length, limit: limit)
        }
        if groups & 4 != 0 {
            guard let lagP99 = bytes.next(UInt64.self, &offset), let lagMax = bytes.next(UInt64.self, &offset),
                let busy = bytes.next(UInt64.self, &offset), busy <= 1_000_000_000
            else { return nil }
            loop = Loop(lagP99Nanoseconds: lagP99, lagMaxNanoseconds: lagMax, busyNanosecondsPerSecond: busy)
        }
        if groups & 8 != 0 {
            guard let proportional = bytes.next(UInt64.self, &offset), let own = bytes.next(UInt64.self, &offset),
                let age = bytes.next(UInt64.self, &offset)
            else { return nil }
            memory = Memory(proportionalBytes: proportional, privateBytes: own, ageNanoseconds: age)
        }
        if groups & 16 != 0 {
            guard let open = bytes.next(UInt64.self, &offset), let limit = bytes.next(UInt64.self, &offset) else { return nil }
            descriptors = Descriptors(open: open, limit: limit)
        }
    }
}

extension ProcessUsage {
    func write(to writer: inout ByteWriter) {
        for number in [userNanoseconds, systemNanoseconds, voluntarySwitches, involuntarySwitches, busyNanoseconds] { writer.append(number) }
    }

    init?(reading bytes: RawSpan, at offset: inout Int) {
        self.init()
        guard let user = bytes.next(UInt64.self, &offset), let system = bytes.next(UInt64.self, &offset),
            let voluntary = bytes.next(UInt64.self, &offset), let involuntary = bytes.next(UInt64.self, &offset),
            let busy = bytes.next(UInt64.self, &offset)
        else { return nil }
        (userNanoseconds, systemNanoseconds) = (user, system)
        (voluntarySwitches, involuntarySwitches, busyNanoseconds) = (voluntary, involuntary, busy)
    }
}

extension ProcessFigures.AcceptQueue? {
    /// UInt8 1 and the numbers, or 0.
    func write(to writer: inout ByteWriter) {
        writer.append(UInt8(self == nil ? 0 : 1))
        guard let self else { return }
        writer.append(self.length)
        writer.append(self.limit)
    }

    /// Nil in the outer sense when the bytes are no such thing.
    static func read(_ bytes: RawSpan, at offset: inout Int) -> ProcessFigures.AcceptQueue?? {
        guard let isThere = bytes.next(UInt8.self, &offset), isThere <= 1 else { return nil }
        guard isThere == 1 else { return .some(nil) }
        guard let length = bytes.next(UInt64.self, &offset), let limit = bytes.next(UInt64.self, &offset) else { return nil }
        return .some(.init(length: length, limit: limit))
    }
}

extension ProcessUsage? {
    /// UInt8 1 and the numbers, or 0.
    func write(to writer: inout ByteWriter) {
        writer.append(UInt8(self == nil ? 0 : 1))
        self?.write(to: &writer)
    }

    /// Nil in the outer sense when the bytes are no such thing.
    static func read(_ bytes: RawSpan, at offset: inout Int) -> ProcessUsage?? {
        guard let isThere = bytes.next(UInt8.self, &offset), isThere <= 1 else { return nil }
        guard isThere == 1 else { return .some(nil) }
        return ProcessUsage(reading: bytes, at: &offset).map { .some($0) }
    }
}
