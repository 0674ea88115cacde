// The JSON members of a worker's process: each is there when it is known.
// Process: master, admin · Thread: loop

extension JSONWriter {
    mutating func process(_ process: ProcessFigures, residentBytes: UInt64) {
        if let queue = process.acceptQueue { acceptQueue(queue) }
        if let loop = process.loop {
            object("loop") { member in
                member.object("lag_seconds") { lag in
                    lag.member("p99", seconds: loop.lagP99Nanoseconds)
                    lag.member("max", seconds: loop.lagMaxNanoseconds)
                }
                member.member("busy", loop.busy)
                if let usage = process.usage { member.member("busy_seconds", seconds: usage.busyNanoseconds) }
            }
        }
        if let usage = process.usage { self.usage(usage) }
        if residentBytes > 0 || process.memory != nil {
            object("memory") { memory in
                if residentBytes > 0 { memory.member("resident_bytes", residentBytes) }
                guard let known = process.memory else { return }
                memory.member("pss_bytes", known.proportionalBytes)
                memory.member("private_bytes", known.privateBytes)
                memory.member("age_seconds", seconds: known.ageNanoseconds)
            }
        }
        if let descriptors = process.descriptors {
            object("descriptors") { member in
                member.member("open", descriptors.open)
                member.member("limit", descriptors.limit)
            }
        }
    }

    mutating func acceptQueue(_ queue: ProcessFigures.AcceptQueue) {
        object("accept_queue") { member in
            member.member("length", queue.length)
            member.member("limit", queue.limit)
        }
    }

    mutating func usage(_ usage: ProcessUsage) {
        object("cpu_seconds") { cpu in
            cpu.member("user", seconds: usage.userNanoseconds)
            cpu.member("system", seconds: usage.systemNanoseconds)
        }
        object("context_switches") { switches in
            switches.member("voluntary", usage.voluntarySwitches)
            switches.member("involuntary", usage.involuntarySwitches)
        }
    }
}
