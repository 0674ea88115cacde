// A server whose handlers do harm on request. The tests start it; it is not shipped. This process becomes the master.
//
// Arguments are settings as the configuration file has them: everycore-test-server port=0 workers=2 timeouts.handler=200ms
// doomed=throw and doomed=trap make every worker fail at its start instead, unhealthy=0 the one in slot 0. starts=5000 makes each
// worker's start take so many milliseconds. quarantine_fails=1 lets no quarantine worker start.

#if TestPrograms
import Cluster
import Everycore
import Glibc

struct WrongArgument: Error { let reason: String }

func start(_ arguments: [String]) throws {
    var configuration = ServerConfiguration()
    configuration.control = .off
    for argument in arguments {
        let parts = argument.split(separator: "=", maxSplits: 1).map(String.init)
        guard parts.count == 2 else { throw WrongArgument(reason: "\(argument) is not key=value") }
        if parts[0] == "unhealthy" { return try startUnhealthy(slot: Int(parts[1]) ?? 0) }
        if parts[0] == "doomed" { return try startDoomed(parts[1], configuration) }
        if parts[0] == "metrics_cluster" { return try startCountingCluster(parts[1]) }
        if parts[0] == "metrics" {
            AppMetrics.start()
            continue
        }
        if parts[0] == "closes_early" {
            unsafe Doom.closesListenersEarly = true
            continue
        }
        if parts[0] == "quarantine_fails" {
            unsafe Doom.failsInQuarantine = true
            continue
        }
        if parts[0] == "doomed_by" {
            unsafe Doom.path = parts[1]
            continue
        }
        if parts[0] == "starts" {
            unsafe Weather.startDelay = .milliseconds(Int(parts[1]) ?? 0)
            continue
        }
        guard let setting = Setting.all.first(where: { $0.key == parts[0] }) else {
            throw WrongArgument(reason: "\(parts[0]) is no setting")
        }
        if let reason = setting.apply(parts[1], to: &configuration) { throw WrongArgument(reason: reason) }
    }
    let make = { [configuration] in
        let isBad = Doom.makesBad
        return try Server(configuration: configuration) { routes in
            addHarm(&routes)
            addStreams(&routes)
            addConstants(&routes)
            addWeather(&routes)
            addBrittle(&routes)
            addOrders(&routes)
            AppMetrics.add(&routes)
            addPlaces(&routes)
        } onWorkerStart: { worker in
            Weather.delayStart()
            unsafe Doom.isBad = isBad
            try Doom.obey(worker)
        }
    }
    try make().run(rereadOnReload: make, customize: AppMetrics.count)
}

func startDoomed(_ way: String, _ configuration: ServerConfiguration) throws {
    var options = configuration.clusterOptions
    options.respawn.firstDelay = .milliseconds(10)
    options.respawn.giveUpAfter = .milliseconds(700)
    try Cluster(workers: .count(2), options: options) { _ in
        if way == "trap" { trap() }
        throw WrongArgument(reason: "this worker is doomed")
    }
    .run()
}

/// A cluster of three that gives up soon, with a slot whose workers never live. Prints which workers got ready.
func startUnhealthy(slot: Int) throws {
    var options = ClusterOptions()
    options.respawn.firstDelay = .milliseconds(20)
    options.respawn.longestDelay = .milliseconds(200)
    options.respawn.giveUpAfter = .milliseconds(300)
    // So that no worker is good, and pauses go on.
    options.respawn.youngAge = .seconds(30)
    try Cluster(workers: .count(3), options: options) { worker in if worker.slot == slot { abort() } }
        .onListening { worker, _ in print("listening slot=\(worker.slot) gen=\(worker.generation)") }
        .onExit { worker, exit in print("exit slot=\(worker.slot) gen=\(worker.generation) voluntary=\(exit.isVoluntary)") }
        .run()
}

do {
    try start(Array(CommandLine.arguments.dropFirst()))
} catch {
    print("\(error)")
    switch error {
    case is WrongArgument: exit(64)
    case let error as ClusterError: exit(error.exitStatus)
    case let error as ServerError: exit(error.exitStatus)
    default: exit(70)
    }
}
#else
fatalError("built without the trait TestPrograms; scripts/test builds with it")
#endif
