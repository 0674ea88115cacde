// Every worker greets the master. Run it with `swift run hi-master`, and stop it with Control-C.

import Cluster

struct Greeting: Codable { let data: String }

try Cluster(workers: .perCore) { worker in  // in each worker process
    try worker.send(Greeting(data: "Hi Master!"))
}
.onMessage(Greeting.self) { greeting, worker in  // in the master process
    print("Message received to master from worker: \(greeting.data)")
}
.run()
