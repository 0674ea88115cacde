// A Hummingbird application in every worker of a cluster: a trap in a handler ends one process, and the others go on.
//
//   swift run -c release hummingbird-cluster 127.0.0.1:8080
//   curl http://127.0.0.1:8080/whoami
//   curl http://127.0.0.1:8080/trap              curl: (52) Empty reply from server
//   curl http://127.0.0.1:8080/whoami

import Cluster
import Glibc
import Hummingbird

func application(in worker: Worker) -> Router<BasicRequestContext> {
    let router = Router()
    let who = "worker \(worker.slot), generation \(worker.generation), pid \(worker.pid)\n"
    router.get("whoami") { _, _ in who }
    router.get("trap") { request, _ in
        let numbers = [Int](repeating: 0, count: request.uri.path.count)
        return "\(numbers[numbers.count])"  // index out of range
    }
    return router
}

guard let address = ListenAddress(CommandLine.arguments.dropFirst().first ?? "127.0.0.1:8080") else {
    print("usage: hummingbird-cluster HOST:PORT|PATH")
    exit(64)
}
do {
    try Cluster(workers: .perCore) { worker in
        try worker.serveConnections(with: HummingbirdService(application(in: worker), in: worker))
    }
    .listen(on: [address])
    .onStart { print("Hummingbird on \($0.addresses[0]), \($0.workers) workers") }
    .run()
} catch {
    print(error)
    exit(error.exitStatus)
}
