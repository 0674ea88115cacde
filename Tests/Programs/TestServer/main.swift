// A server whose handlers do harm on request. The tests start it; it is not shipped. This process becomes the master.
//
// Arguments are settings as the configuration file has them: test-server port=0 workers=2 timeouts.handler=200ms
// doomed=throw and doomed=trap make every worker fail at its start instead.

import Cluster
import Everycore
import Glibc

struct WrongArgument: Error { let reason: String }

func start(_ arguments: [String]) throws {
    var configuration = ServerConfiguration()
    for argument in arguments {
        let parts = argument.split(separator: "=", maxSplits: 1).map(String.init)
        guard parts.count == 2 else { throw WrongArgument(reason: "\(argument) is not key=value") }
        if parts[0] == "doomed" { return try startDoomed(parts[1], configuration) }
        if parts[0] == "doomed_by" {
            unsafe Doom.path = parts[1]
            continue
        }
        guard let setting = Setting.all.first(where: { $0.key == parts[0] }) else {
            throw WrongArgument(reason: "\(parts[0]) is no setting")
        }
        if let reason = setting.apply(parts[1], to: &configuration) { throw WrongArgument(reason: reason) }
    }
    let make = { [configuration] in
        try Server(configuration: configuration) { routes in
            addHarm(&routes)
            addStreams(&routes)
            addConstants(&routes)
        } onWorkerStart: { worker in
            try Doom.obey(worker)
        }
    }
    try make().run(rereadOnReload: make)
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

do {
    try start(Array(CommandLine.arguments.dropFirst()))
} catch {
    print("\(error)")
    switch error {
    case is WrongArgument: exit(64)
    case let error as ClusterError: exit(error.exitStatus)
    case ServerError.addressTaken: exit(69)
    case ServerError.configuration: exit(78)
    default: exit(70)
    }
}
