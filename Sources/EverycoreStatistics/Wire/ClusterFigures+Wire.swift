// The cluster's figures as bytes, for the way from the master to the admin worker. All numbers are little-endian.
//     head       UInt64 taken at, UInt64 started at, UInt32 workers wanted, UInt64 restarts of departed slots,
//                usage (departed), queue (shared), tally (unassigned), snapshot (departed), UInt16 number of slots
//     each slot  UInt32 slot, UInt32 generation, UInt32 pid, UInt8 state, UInt64 uptime, UInt64 stale, UInt64 restarts, tally, snapshot,
//                ProcessFigures+Wire.swift
//     exits      ExitRecord+Wire.swift
//     quarantine QuarantineRecord.swift, then UInt64 requests refused
//     requests   RunningRequest.swift
//     tally      UInt64 received, UInt64 lost, UInt64 × IgnoredReason
//     snapshot   UInt16 number of bucket entries, then FigureSnapshot+Wire.swift
// Process: any · Thread: loop

extension ClusterFigures {
    /// The most that figures can take: what an assembler holds at most.
    package static let maximumWireByteCount =
        256 + FigureSnapshot.maximumWireByteCount + ExitRecord.maximumWireByteCount + QuarantineRecord.maximumWireByteCount
        + RunningRequest.maximumWireByteCount
        + Report.slotLimit * (256 + FigureSnapshot.maximumWireByteCount + ProcessFigures.maximumWireByteCount)

    func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 1024 + slots.count * 2048)
        writer.append(takenAtNanoseconds)
        writer.append(startedAtNanoseconds)
        writer.append(UInt32(clamping: wantedWorkers))
        writer.append(departedRestarts)
        departedUsage.write(to: &writer)
        sharedAcceptQueue.write(to: &writer)
        unassignedReports.write(to: &writer)
        departed.writeCounted(to: &writer)
        writer.append(UInt16(clamping: slots.count))
        for slot in slots {
            slot.write(to: &writer)
        }
        ExitRecord.write(exits, exitCounts, to: &writer)
        QuarantineRecord.write(quarantine, to: &writer)
        writer.append(quarantineRefused)
        RunningRequest.write(requests, waiting: waitingRequests, to: &writer)
        return writer.bytes
    }

    /// Nil when the bytes are not exactly one encoding.
    init?(decoding bytes: RawSpan) {
        var offset = 0
        guard let takenAt = bytes.next(UInt64.self, &offset), let startedAt = bytes.next(UInt64.self, &offset),
            let wanted = bytes.next(UInt32.self, &offset), let restarts = bytes.next(UInt64.self, &offset),
            let usage = ProcessUsage?.read(bytes, at: &offset),
            let queue = ProcessFigures.AcceptQueue?.read(bytes, at: &offset),
            let tally = ReportTally(reading: bytes, at: &offset),
            let departed = FigureSnapshot(readingCounted: bytes, at: &offset),
            let count = bytes.next(UInt16.self, &offset), Int(count) <= Report.slotLimit
        else { return nil }
        var slots: [SlotFigures] = []
        for _ in 0..<count {
            guard let slot = SlotFigures(reading: bytes, at: &offset), slot.slot < Report.slotLimit,
                slot.slot > slots.last?.slot ?? -1
            else { return nil }
            slots.append(slot)
        }
        guard let (exits, exitCounts) = ExitRecord.read(bytes, at: &offset),
            let quarantine = QuarantineRecord.read(bytes, at: &offset),
            let quarantineRefused = bytes.next(UInt64.self, &offset), let running = RunningRequest.read(bytes, at: &offset),
            offset == bytes.byteCount
        else { return nil }
        self.init(
            takenAtNanoseconds: takenAt, startedAtNanoseconds: startedAt, wantedWorkers: Int(wanted),
            departed: departed, departedRestarts: restarts, unassignedReports: tally, slots: slots,
            exits: exits, exitCounts: exitCounts, quarantine: quarantine,
            quarantineRefused: quarantineRefused, departedUsage: usage, sharedAcceptQueue: queue, requests: running.requests,
            waitingRequests: running.waiting)
    }
}

extension SlotFigures {
    fileprivate func write(to writer: inout ByteWriter) {
        writer.append(UInt32(clamping: slot))
        writer.append(UInt32(clamping: generation))
        writer.append(UInt32(bitPattern: pid))
        writer.append(state.rawValue)
        writer.append(uptimeNanoseconds)
        writer.append(staleNanoseconds)
        writer.append(restarts)
        reports.write(to: &writer)
        figures.writeCounted(to: &writer)
        process.write(to: &writer)
    }

    fileprivate init?(reading bytes: RawSpan, at offset: inout Int) {
        guard let slot = bytes.next(UInt32.self, &offset), let generation = bytes.next(UInt32.self, &offset),
            let pid = bytes.next(UInt32.self, &offset), let rawState = bytes.next(UInt8.self, &offset),
            let state = WorkerState(rawValue: rawState), let uptime = bytes.next(UInt64.self, &offset),
            let stale = bytes.next(UInt64.self, &offset), let restarts = bytes.next(UInt64.self, &offset),
            let reports = ReportTally(reading: bytes, at: &offset),
            let figures = FigureSnapshot(readingCounted: bytes, at: &offset),
            let process = ProcessFigures(reading: bytes, at: &offset)
        else { return nil }
        self.init(
            slot: Int(slot), generation: Int(generation), pid: Int32(bitPattern: pid), state: state,
            uptimeNanoseconds: uptime, staleNanoseconds: stale, restarts: restarts, reports: reports,
            figures: figures, process: process)
    }
}

extension ReportTally {
    fileprivate func write(to writer: inout ByteWriter) {
        writer.append(received)
        writer.append(lost)
        for reason in IgnoredReason.allCases {
            writer.append(self[reason])
        }
    }

    fileprivate init?(reading bytes: RawSpan, at offset: inout Int) {
        self.init()
        guard let received = bytes.next(UInt64.self, &offset), let lost = bytes.next(UInt64.self, &offset) else {
            return nil
        }
        self.received = received
        self.lost = lost
        for reason in IgnoredReason.allCases {
            guard let count = bytes.next(UInt64.self, &offset) else { return nil }
            self[reason] = count
        }
    }
}

extension FigureSnapshot {
    fileprivate func writeCounted(to writer: inout ByteWriter) {
        let entriesOffset = writer.bytes.count
        writer.append(UInt16(0))
        let entries = write(to: &writer)
        writer.overwrite(entries, at: entriesOffset)
    }

    fileprivate init?(readingCounted bytes: RawSpan, at offset: inout Int) {
        guard let entries = bytes.next(UInt16.self, &offset) else { return nil }
        self.init(reading: bytes, at: &offset, bucketEntries: entries)
    }
}
