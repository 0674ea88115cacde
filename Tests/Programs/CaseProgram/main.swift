// A service as its users write one, with Foundation, programs that handlers start, and messages with content of every form. Tests/Cases
// starts it; it is not shipped. Arguments: PORT WORKERS. This process becomes the master.

#if TestPrograms
import Cluster
import Everycore
import Glibc

let arguments = CommandLine.arguments
var configuration = ServerConfiguration()
configuration.host = "127.0.0.1"
configuration.port = arguments.count > 1 ? Int(arguments[1]) ?? 0 : 0
configuration.workers = .count(arguments.count > 2 ? Int(arguments[2]) ?? 1 : 1)
configuration.admin = .off
configuration.control = .off
configuration.quiet = true

do {
    try Server(configuration: configuration) { routes in
        addPrograms(&routes)
        addMessages(&routes)
    } onWorkerStart: { worker in
        unsafe thisWorker = worker
    }
    .run(customize: countMessages)
} catch {
    print("\(error)")
    exit((error as? ServerError)?.exitStatus ?? 70)
}
#else
fatalError("built without the trait TestPrograms; scripts/test builds with it")
#endif
