// How fast messages are, between one worker and the master of a real cluster.

#if TestPrograms
import Cluster
import EverycoreLoop
import Glibc

struct Small: Codable {
    let id: Int
    let text: String
}

struct Ping: RequestMessage {
    typealias Reply = Ping
    let id: Int
}

/// Sends until the queue is full, and goes on when there is room: as fast as the other side takes.
func sendMany(_ count: Int, _ worker: Worker, _ send: @escaping (Int) throws -> Void) {
    var next = 0
    func go() {
        while next < count {
            do {
                try send(next)
                next += 1
            } catch MessageError.queueFull {
                return worker.whenRoom(go)
            } catch {
                print("\(error)")
                exit(1)
            }
        }
    }
    go()
}

/// Prints messages a second, from the moment at which the worker begins until the last one was handled.
func measureRate(_ kind: String, _ count: Int) throws {
    var received = 0
    var sum = 0
    var begin: UInt64 = 0
    func took(_ number: Int) {
        received += 1
        sum &+= number
        guard received == count else { return }
        let seconds = Double(EventLoop.monotonicNanoseconds() &- begin) / 1e9
        fact("rate", Int(Double(count) / seconds))
        fact("exact", sum == count * (count - 1) / 2)
        stopMaster()
    }
    try Cluster(workers: .count(1), options: quiet()) { worker in
        later(worker) {
            try? worker.send(EventLoop.monotonicNanoseconds())
            if kind == "codable" {
                sendMany(count, worker) { try worker.send(Small(id: $0, text: "a small message")) }
            } else {
                let bytes: [UInt8] = Array("a small message!".utf8)
                sendMany(count, worker) { _ in try worker.send(bytes: bytes, to: "small") }
            }
        }
    }
    .onMessage(UInt64.self) { time, _ in begin = time }
    .onMessage(Small.self) { message, _ in took(message.id) }
    .onBytes("small") { bytes, _ in took(bytes.count == 16 ? received : 0) }
    .run()
}

/// What one worker measures; on its loop.
private final class Laps: @unchecked Sendable {
    private let worker: Worker
    private let count: Int
    private var times: [UInt64] = []
    private var before: UInt64 = 0

    init(_ worker: Worker, _ count: Int) {
        self.worker = worker
        self.count = count
        times.reserveCapacity(count)
    }

    /// - Returns: whether there is one more.
    func lap() -> Bool {
        let now = EventLoop.monotonicNanoseconds()
        if before > 0 { times.append(now &- before) }
        before = now
        if times.count < count { return true }
        let sorted = times.dropFirst(count / 10).sorted()
        let mean = sorted.reduce(0, +) / UInt64(max(sorted.count, 1))
        try? worker.send("\(sorted[sorted.count / 2]) \(mean)")
        return false
    }
}

func measureTrip(_ kind: String, _ count: Int) throws {
    let bytes: [UInt8] = Array("a small message!".utf8)
    try Cluster(workers: .count(1), options: quiet()) { worker in
        let laps = Laps(worker, count)
        worker.onBytes("pong") { _, _ in
            if laps.lap() { try? worker.send(bytes: bytes, to: "ping") }
        }
        later(worker) {
            if kind == "bytes" {
                _ = laps.lap()
                try? worker.send(bytes: bytes, to: "ping")
                return
            }
            Task { @MainActor in
                while laps.lap() { _ = try await worker.request(Ping(id: 1), deadline: .seconds(5)) }
            }
        }
    }
    .onBytes("ping") { _, worker in try? worker.send(bytes: bytes, to: "pong") }
    .onRequest(Ping.self) { ping, _ in ping }
    .onMessage(String.self) { result, _ in
        fact("trip", result)
        stopMaster()
    }
    .run()
}

/// When both sides have started and are at rest. The timer is kept by its own handler until it fires.
private func later(_ worker: Worker, _ body: @escaping () -> Void) {
    let kept = Kept()
    kept.timer = worker.loop.after(.milliseconds(200)) {
        kept.timer = nil
        body()
    }
}
#endif
