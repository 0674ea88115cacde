// Messages between real processes, for the tests and for scripts/bench messages; not shipped.
//
//   everycore-message-probe exit|load|workers|…        one of the scenarios below: prints one line a fact
//   everycore-message-probe rate bytes|codable COUNT   one worker sends to the master: messages a second
//   everycore-message-probe trip bytes|request COUNT   one worker and the master answer each other: nanoseconds, median and mean

#if TestPrograms
import Cluster
import Glibc

let arguments = Array(CommandLine.arguments.dropFirst())

func fact(_ name: String, _ value: some CustomStringConvertible) {
    print("\(name)=\(value)")
    fflush(nil)
}

/// Ends the cluster in the way a service manager does.
func stopMaster() { kill(getpid(), SIGTERM) }

let scenarios: [String: () throws -> Void] = [
    "exit": { try sendThenExit(arguments.count > 1 ? arguments[1] : "exit") },
    "load": countUnderLoad,
    "workers": talkAmongWorkers,
    "requests": askBothWays,
    "tasks": runTasksInMaster,
    "garbage": sendGarbage,
    "room": fillTheQueue,
    "rate": { try measureRate(arguments[1], Int(arguments[2]) ?? 0) },
    "trip": { try measureTrip(arguments[1], Int(arguments[2]) ?? 0) },
]

guard let name = arguments.first, let scenario = scenarios[name] else {
    print("what? \(scenarios.keys.sorted().joined(separator: ", "))")
    exit(64)
}
try scenario()
#else
fatalError("built without the trait TestPrograms; scripts/test builds with it")
#endif
