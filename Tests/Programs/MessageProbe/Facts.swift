// What tests want to know of messages between real processes: each scenario runs a cluster, prints facts, and ends it.

#if TestPrograms
import Cluster
import EverycoreLoop
import Glibc
import Logging

struct Note: Codable {
    var id: Int
    var text = ""
}

struct Question: RequestMessage {
    typealias Reply = Answer
    var number: Int
    var wish: Wish

    enum Wish: Codable { case answer, throwing, silence, death, later }
}

struct Answer: Codable {
    var number: Int
    var from: String
}

struct Unanswered: RequestMessage {
    typealias Reply = Int
}

struct Sulk: Error, CustomStringConvertible {
    var description: String { "not today" }
}

/// Runs what takes the master's or a worker's loop for a while.
func wait(_ loop: EventLoop, until condition: @escaping () -> Bool, _ done: @escaping () -> Void) {
    let kept = Kept()
    kept.timer = loop.every(.milliseconds(2)) {
        guard condition() else { return }
        kept.timer = nil
        done()
    }
}

final class Kept: @unchecked Sendable {
    var timer: LoopTimer?
}

/// Prints the master's lines about workers that are gone, between the facts.
struct ExitLines: LogHandler {
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?
    var logLevel = Logger.Level.info
    var stopsAtExit = false
    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let line = "\(event.message)"
        guard ["worker exited", "worker died", "worker failed to start"].contains(line) else { return }
        fact("exit", line)
        if stopsAtExit { stopMaster() }
    }
}

func quiet(_ lines: ExitLines = .init()) -> ClusterOptions {
    var options = ClusterOptions()
    options.logger = Logger(label: "probe") { _ in lines }
    return options
}

// MARK: Order and exit

/// Small, larger and large messages, more than fit anywhere, and an exit right after the last one.
func sendThenExit(_ way: String) throws {
    var options = quiet(ExitLines(stopsAtExit: true))
    options.messages.queueCount = 100_000
    options.messages.queueByteCount = 64 << 20
    options.respawn.firstDelay = .seconds(60)
    var next = 0
    var isOrdered = true
    func took(_ number: Int) {
        if number != next { isOrdered = false }
        next += 1
        if next == 5000 { fact("received", "\(next) \(isOrdered ? "in order" : "mixed up")") }
    }
    try Cluster(workers: .count(1), options: options) { worker in
        guard worker.generation == 1 else { return }
        for number in 0..<5000 {
            let size = number % 500 == 499 ? 200_000 : number % 50 == 49 ? 20_000 : 10
            var bytes = [UInt8](repeating: 7, count: size)
            for index in 0..<4 { bytes[index] = UInt8(number >> (8 * index) & 0xFF) }
            try worker.send(bytes: bytes, to: "numbered")
        }
        switch way {
        case "exit": exit(0)
        case "throw": throw Sulk()
        default: worker.loop.stop()
        }
    }
    .onBytes("numbered") { bytes, _ in
        took(number(in: bytes))
    }
    .run()
}

private func number(in bytes: Span<UInt8>) -> Int {
    var number = 0
    for index in 0..<min(4, bytes.count) { number |= Int(bytes[index]) << (8 * index) }
    return number
}

/// A million messages from each of two workers, one of which is killed on its way.
func countUnderLoad() throws {
    let total = 1_000_000
    var counts = [0, 0]
    var ordered = true
    try Cluster(workers: .count(2), options: quiet()) { worker in
        guard worker.generation == 1 else { return }
        var bytes = [UInt8](repeating: 0, count: 4)
        sendMany(worker.slot == 0 ? total : .max, worker) { number in
            for index in 0..<4 { bytes[index] = UInt8(truncatingIfNeeded: number >> (8 * index)) }
            try worker.send(bytes: bytes, to: "numbered")
        }
    }
    .onBytes("numbered") { bytes, worker in
        let number = number(in: bytes)
        if number != counts[worker.slot] { ordered = false }
        counts[worker.slot] += 1
        if worker.slot == 1, number == 100_000 { kill(worker.pid, SIGKILL) }
        if counts[0] == total, worker.slot == 0 {
            fact("first", counts[0])
            fact("killed-in-time", counts[1] > 100_000 ? "yes" : "no")
            fact("ordered", ordered)
            stopMaster()
        }
    }
    .run()
}

// MARK: Other workers

func talkAmongWorkers() throws {
    let cluster = Cluster(workers: .count(3), options: quiet()) { worker in
        worker.onMessage(Note.self) { note, sender in
            try? worker.send("\(worker.slot) got \(note.id) from \(sender)")
        }
        worker.onMessage([UInt8].self) { bytes, sender in
            try? worker.send("\(worker.slot) got \(bytes.count) bytes from \(sender)")
        }
        worker.onMessageError { failure, _ in try? worker.send("\(worker.slot): \(failure)") }
        worker.onMessage(Int.self) { _ in
            guard worker.slot == 0 else { return }
            try? worker.send(Note(id: 1), toWorker: 1)
            try? worker.broadcast(Note(id: 2))
            try? worker.send([UInt8](repeating: 1, count: 1 << 20), toWorker: 2)
            try? worker.send(Note(id: 3), toWorker: 9)
        }
        try worker.send(Note(id: -1))
    }
    var started = 0
    var lines: [String] = []
    cluster.onMessage(Note.self) { _, worker in
        started += 1
        if started == 3 {
            let refused = try? worker.cluster.broadcast(Note(id: 0))
            fact("refused", refused?.count ?? -1)
            _ = try? cluster.broadcast(7)
        }
    }
    .onMessage(String.self) { line, _ in
        lines.append(line)
        guard lines.count == 8 else { return }
        for line in lines.sorted() { fact("line", line) }
        stopMaster()
    }
    try cluster.run()
}
#endif
