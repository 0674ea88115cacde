// The program's own metrics, by swift-metrics: `metrics=1` turns them on. Counted before the fork, in the master, in workers and on threads
// of theirs.

#if TestPrograms
import Cluster
import Dispatch
import Everycore
import EverycoreLoop
import EverycoreMetrics
import Glibc
import Metrics

enum AppMetrics {
    static func start() { MetricsSystem.bootstrap(EverycoreMetrics(gauges: ["test.lowest": .minimum])) }

    /// Counts in the master: forks, and one before the first.
    static func count(_ cluster: Cluster) {
        let forks = Counter(label: "test.forks")
        Counter(label: "test.begun").increment()
        cluster.onFork { _ in forks.increment() }
    }

    static func add(_ routes: inout Routes) {
        // Made before the fork: every worker counts with it for itself.
        let visits = Counter(label: "test.visits", dimensions: [("page", "a \"b\"")])
        let timer = Timer(label: "test.work")
        routes.get("/metric/visit") { _ in
            visits.increment()
            timer.recordNanoseconds(2_000_000)
            return .text("visited\n")
        }
        routes.get("/metric/add") { request in
            // Made here: in this worker alone.
            Counter(label: "test.added", dimensions: [("kind", request.queryItem("kind") ?? "none")]).increment(by: number(request, "n") ?? 1)
            return .text("added\n")
        }
        routes.get("/metric/gauge") { request in
            Gauge(label: "test.gauge").record(number(request, "value") ?? 0)
            Gauge(label: "test.lowest").record(number(request, "value") ?? 0)
            return .text("\(request.worker.pid)\n")
        }
        routes.get("/metric/die") { request in
            Counter(label: "test.died", dimensions: [("pid", "\(request.worker.pid)")]).increment()
            kill(getpid(), SIGKILL)
            return .text("alive\n")
        }
        routes.get("/metric/threads") { request in
            let count = number(request, "n") ?? 0
            DispatchQueue.concurrentPerform(iterations: 4) { _ in for _ in 0..<count { visits.increment() } }
            return .text("counted\n")
        }
        routes.get("/metric/many") { request in
            for index in 0..<(number(request, "n") ?? 0) { Counter(label: "test.many", dimensions: [("index", "\(index)")]).increment() }
            return .text("made\n")
        }
        routes.get("/metric/destroy") { request in
            Counter(label: "test.added", dimensions: [("kind", request.queryItem("kind") ?? "none")]).destroy()
            return .text("destroyed\n")
        }
        routes.get("/metric/constant") { _ in
            visits.increment()
            return .text("Hello, World!")
        }
    }

    private static func number(_ request: Request, _ name: String) -> Int? { request.queryItem(name).flatMap { Int($0) } }
}

/// `metrics_cluster=PATH`: workers without HTTP, which count until they die; an auxiliary writes the page into the file.
func startCountingCluster(_ path: String) throws {
    MetricsSystem.bootstrap(EverycoreMetrics())
    var options = ClusterOptions()
    options.respawn.firstDelay = .milliseconds(10)
    try Cluster(workers: .count(2), options: options) { worker in
        Counter(label: "test.starts").increment()
        if worker.generation < 3 { Glibc.kill(getpid(), SIGKILL) }
    }
    .auxiliary("pages") { worker in
        let timer = worker.loop.every(.milliseconds(20)) {
            worker.metricsPage { page in
                guard let file = unsafe fopen(path + ".new", "w") else { return }
                unsafe fputs(page ?? "none", file)
                unsafe fclose(file)
                unsafe rename(path + ".new", path)
            }
        }
        worker.onDrain { done in
            withExtendedLifetime(timer) {}
            done()
        }
    }
    .run()
}
#endif
