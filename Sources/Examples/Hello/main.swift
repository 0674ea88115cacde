// The smallest server: one route, on every core.
//
//   swift run --package-path Sources/Examples hello
//   curl http://127.0.0.1:8080/hello/world

import Everycore

try Server { routes in
    routes.get("/hello/:name") { request in
        .text("Hello, \(request.parameters["name"] ?? "stranger")!\n")
    }
}
.run()
