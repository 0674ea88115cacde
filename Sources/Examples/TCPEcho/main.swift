// A TCP service without HTTP: what comes is sent back, by one process per core that can be killed at any moment.
//
//   swift run --package-path Sources/Examples -c release tcp-echo 127.0.0.1:7007
//   echo hello | nc -N 127.0.0.1 7007
//   for i in 1 2 3 4; do head -c 1000000000 /dev/zero | nc -N 127.0.0.1 7007 | wc -c & done; wait

import Cluster
import EverycoreLoop
import Glibc

/// One client. Lives on its worker's loop until the client or an error ends it.
final class Echo {
    private let connection: Int32
    private let ended: () -> Void
    private var unsent: ArraySlice<UInt8> = []
    private var reading: DescriptorWatch?
    private var writing: DescriptorWatch?

    init(_ connection: Int32, on loop: EventLoop, ended: @escaping () -> Void) throws {
        self.connection = connection
        self.ended = ended
        reading = try loop.watch(connection, for: .read) { [unowned self] _ in receive() }
        writing = try loop.watch(connection, for: .write) { [unowned self] _ in send() }
        writing?.pause()
    }

    private func receive() {
        var chunk = [UInt8](repeating: 0, count: 65536)
        let count = unsafe chunk.withUnsafeMutableBytes { unsafe read(connection, $0.baseAddress, $0.count) }
        if count > 0 {
            unsent = chunk[..<count]
            send()
        } else if count == 0 || (errno != EAGAIN && errno != EINTR) {
            end()
        }
    }

    /// A client that doesn't read isn't read from either.
    private func send() {
        while !unsent.isEmpty {
            let count = unsafe unsent.withUnsafeBytes { unsafe Glibc.send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            if count > 0 {
                unsent = unsent.dropFirst(count)
            } else if errno == EAGAIN {
                reading?.pause()
                writing?.resume()
                return
            } else if errno != EINTR {
                return end()
            }
        }
        writing?.pause()
        reading?.resume()
    }

    private func end() {
        (reading, writing) = (nil, nil)
        close(connection)
        ended()
    }
}

/// Accepts for one worker, and keeps its clients. The cluster says from which listeners: the worker's own, and those of dead siblings.
final class EchoService: ConnectionService {
    private let worker: Worker
    private var acceptors: [Int32: DescriptorWatch] = [:]
    private var clients: [Int32: Echo] = [:]
    private var drained: (() -> Void)?

    init(_ worker: Worker) {
        self.worker = worker
        // Told to go: the clients may finish within the drain's deadline.
        worker.onDrain { [unowned self] done in
            drained = done
            acceptors = [:]
            worker.closeListeners()
            if clients.isEmpty { done() }
        }
    }

    func startAccepting(from listener: Listener) throws {
        acceptors[listener.descriptor] = try worker.loop.watch(listener.descriptor, for: .read) { [unowned self] _ in
            let connection = accept(listener.descriptor, nil, nil)
            guard connection >= 0 else { return }
            _ = fcntl(connection, F_SETFL, O_NONBLOCK)
            if !worker.handOver(connection) { take(connection, isNew: true) }
        }
    }

    func stopAccepting(from listener: Listener) { acceptors[listener.descriptor] = nil }

    func take(_ connection: Int32, isNew: Bool) {
        do {
            clients[connection] = try Echo(connection, on: worker.loop) { [unowned self] in
                clients[connection] = nil
                worker.connectionEnded(afterShortLife: false)
                if clients.isEmpty { drained?() }
            }
        } catch {
            close(connection)
            worker.connectionEnded(afterShortLife: false)
        }
    }
}

guard let address = ListenAddress(CommandLine.arguments.dropFirst().first ?? "127.0.0.1:7007") else {
    print("usage: tcp-echo HOST:PORT|PATH")
    exit(64)
}
do {
    try Cluster(workers: .perCore) { worker in try worker.serveConnections(with: EchoService(worker)) }
        .listen(on: [address])
        .onStart { print("echo on \($0.addresses.map(\.description).joined()), \($0.workers) workers") }
        .onListening { worker, _ in print("worker \(worker.slot) accepts, generation \(worker.generation)") }
        .run()
} catch {
    print(error)
    exit(error.exitStatus)
}
