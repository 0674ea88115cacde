// Garbage where messages should be, and what a process has open afterwards.

#if TestPrograms
import CEverycorePosix
import Cluster
import EverycoreLoop
import Glibc
import TestSupport

/// Garbage on the worker's own channel, between messages that must arrive.
func sendGarbage() throws {
    var received = 0
    var failures = 0
    var filesBefore = 0
    try Cluster(workers: .count(1), options: quiet()) { worker in
        try worker.send(Note(id: 1))
        worker.flushMessages()
        var generator = SeededGenerator.printingSeed(4711)
        for descriptor in packetSockets() {
            for length in [1, 3, 4, 5, 12, 100, 4000, 100_000] {
                for kind: UInt8 in [0, 16, 17, 77] {
                    var bytes = (0..<length).map { _ in UInt8.random(in: 0...255, using: &generator) }
                    // The cluster's own kinds would do what they say.
                    if length >= 4 { bytes.replaceSubrange(0..<4, with: [2, kind, 0, 0]) } else { bytes[0] = 99 }
                    _ = unsafe cposix_send(descriptor, bytes, bytes.count)
                    let file = unsafe cposix_sealed_file(bytes, bytes.count)
                    _ = unsafe cposix_send(descriptor, [2, 18, 0, 0] as [UInt8], 4)
                    _ = unsafe cposix_send_with_descriptor(descriptor, bytes, bytes.count, file)
                    close(file)
                }
            }
        }
        try worker.send(Note(id: 2))
    }
    .onMessageError { _, _ in failures += 1 }
    .onMessage(Note.self) { note, _ in
        received += 1
        if note.id == 1 { filesBefore = openFiles() }
        guard note.id == 2 else { return }
        fact("received", received)
        fact("failures", failures > 0 ? "some" : "none")
        fact("files", openFiles() <= filesBefore ? "closed" : "open")
        stopMaster()
    }
    .run()
}

private func openFiles() -> Int {
    (0..<1024).count { fcntl($0, F_GETFD) >= 0 }
}

private func packetSockets() -> [Int32] {
    (0..<256).filter { descriptor in
        var type: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        return unsafe getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == Int32(SOCK_SEQPACKET.rawValue)
    }
}

// MARK: Room

/// A master that doesn't read for a while: the queue fills, is refused, and has room again.
func fillTheQueue() throws {
    var options = quiet()
    options.messages.queueCount = 50
    var received = 0
    try Cluster(workers: .count(1), options: options) { worker in
        var sent = 0
        let text = String(repeating: "x", count: 1000)
        do {
            try worker.send("wait")
            worker.flushMessages()
            while true {
                try worker.send(Note(id: sent, text: text))
                sent += 1
            }
        } catch MessageError.queueFull {
            let count = sent
            Task {
                for number in 0..<200 { try await worker.sendWhenRoom(Note(id: count + number, text: text)) }
                try await worker.sendWhenRoom(count + 200)
            }
        }
    }
    .onMessage(String.self) { _, _ in usleep(100_000) }
    .onMessage(Note.self) { note, _ in
        if note.id != received { fact("disorder", note.id) }
        received += 1
    }
    .onMessage(Int.self) { count, _ in
        fact("all", received == count)
        stopMaster()
    }
    .run()
}
#endif
