// A cluster that prints every event of its workers, goes through one scenario and leaves. The tests start it; it is not shipped.
//
//   everycore-lifecycle-probe disconnect | leave | kill | crash | exit | fork-fails | wave | thread
//
// Lines: `fork id=1 slot=0 gen=1 pid=4711 …`, and `workers ids=1,2` for what `cluster.workers` holds.

#if TestPrograms
import Cluster
import EverycoreLoop
import Glibc
import Logging

struct Text: Codable { let text: String }

func live() throws(ClusterError) {
    let scenario = CommandLine.arguments.dropFirst().first ?? ""
    var options = ClusterOptions()
    options.respawn.youngAge = .zero
    options.respawn.firstDelay = .milliseconds(20)
    options.drainDeadline = .seconds(2)
    options.logger.logLevel = .error

    /// Runs in a worker.
    func doHarm(_ worker: Worker) {
        guard worker.slot == 0, worker.generation == 1 else { return }
        switch scenario {
        case "crash": abort()
        case "exit": exit(0)
        case "leave": worker.loop.execute { worker.disconnect() }
        default: break
        }
    }

    func limitFiles(_ count: rlim_t?) {
        var limit = rlimit()
        unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        limit.rlim_cur = count ?? limit.rlim_max
        unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }

    let count = scenario == "wave" ? 12 : 2
    let cluster = Cluster(workers: .count(count), options: options) { worker in
        try worker.send(Text(text: "hello"))
        worker.onDrain { done in
            try? worker.send(Text(text: "bye"))
            done()
        }
        doHarm(worker)
    }
    cluster.auxiliary("side") { _ in }
    cluster.listen(on: [.tcp(host: "127.0.0.1", port: 0)])

    func say(_ event: String, _ worker: WorkerHandle, _ more: String = "") {
        print(
            "\(event) id=\(worker.id) slot=\(worker.slot) gen=\(worker.generation) pid=\(worker.pid) "
                + "connected=\(worker.isConnected) dead=\(worker.isDead) \(more)")
    }

    func sayWorkers() { print("workers ids=\(cluster.workers.map { "\($0.id)" }.joined(separator: ","))") }

    /// The next one has ended, and is not reaped, before anything else is done about this one.
    func passOn(_ worker: WorkerHandle) {
        guard scenario == "wave", let next = cluster.workers.first(where: { $0.id <= count && $0.isConnected }) else { return }
        next.kill(SIGKILL)
        var info = unsafe siginfo_t()
        _ = unsafe waitid(P_PID, id_t(next.pid), &info, WEXITED | WNOWAIT)
    }

    /// What goes from one master to the next.
    struct Counts: Codable {
        var masters = 1
        var texts = 0
        /// More than the channel between the two holds.
        var notes = [String](repeating: "note", count: 200_000)
    }

    /// One that nothing ends but the end of the process.
    func startThread() {
        var thread = pthread_t()
        unsafe pthread_create(&thread, nil, { _ in while true { sleep(1000) } }, nil)
    }

    var counts = Counts()
    var (listening, ended) = (0, 0)
    cluster.onStart { _ in
        if scenario == "fork-fails" { limitFiles(3) }
        if scenario == "thread" { print("master pid=\(getpid())") }
        sayWorkers()
    }
    .onFork { worker in
        say("fork", worker)
        if scenario == "kill", worker.slot == 0, worker.generation == 1 { worker.kill(SIGKILL) }
    }
    .onFork { say("again", $0) }
    .onOnline { say("online", $0) }
    .onListening { worker, addresses in
        say("listening", worker, "on=\(addresses.count)")
        listening += 1
        // In each scenario three workers get so far: two, and the successor of the one that didn't stay.
        let isDisconnect = scenario == "disconnect" || scenario == "leave"
        if scenario == "disconnect", worker.slot == 0, worker.generation == 1 {
            worker.disconnect()
            worker.disconnect()
        }
        if scenario == "thread" {
            if listening == 2, worker.generation == 1 { startThread() }
        } else if scenario == "wave" {
            if listening == count { worker.kill(SIGKILL) }
        } else if listening == (isDisconnect ? 3 : 2) {
            sayWorkers()
            cluster.stop()
            cluster.stop()
        }
    }
    .onMessage(Text.self) { message, worker in
        counts.texts += 1
        if worker.slot >= 0 { say("message", worker, "text=\(message.text)") }
    }
    .onDisconnect { worker in
        say("disconnect", worker)
        passOn(worker)
    }
    .onExit { worker, exit in
        say("exit", worker, "voluntary=\(exit.isVoluntary) reason=\(exit.reason)")
        if scenario == "fork-fails" { limitFiles(nil) }
        ended += 1
        if scenario == "wave", ended == count { cluster.stop() }
    }
    .handOver {
        counts
    } takeOver: { before in
        counts.masters += before.masters
        counts.texts += before.texts
        print("took masters=\(before.masters) texts=\(before.texts) handovers=\(before.notes.count)")
    }
    try cluster.run()
    sayWorkers()
}

do {
    try live()
} catch {
    print(error)
    exit(error.exitStatus)
}
#else
fatalError("built without the trait TestPrograms; scripts/test builds with it")
#endif
