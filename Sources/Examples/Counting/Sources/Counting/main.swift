// Metrics of the program's own: counted in every worker, summed by the master, on the admin's pages.
//
//   swift run --package-path Sources/Examples/Counting
//   curl -X POST http://127.0.0.1:8080/orders
//   curl http://127.0.0.1:8081/metrics | grep shop

import Everycore
import EverycoreMetrics
import Metrics

MetricsSystem.bootstrap(EverycoreMetrics())

try Server { routes in
    let orders = Counter(label: "shop.orders", dimensions: [("country", "fr")])
    let query = Timer(label: "shop.query")
    routes.post("/orders") { _ in
        orders.increment()
        query.recordMilliseconds(12)
        return .text("ordered\n")
    }
}
.run()
