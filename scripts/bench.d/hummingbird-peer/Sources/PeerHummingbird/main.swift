// The Hummingbird peer: /plaintext and /json as its own documentation writes them.
// usage: peer-hummingbird PORT THREADS [close]
// One process; THREADS event loops. Logging is off but for errors, as for every peer.

import Glibc
import Hummingbird
import Logging
import NIOPosix

/// Hummingbird closes a connection when asked to, but does not say so in the response, and the client would then take
/// the end for an error. This says it.
struct SayClose<Context: RequestContext>: RouterMiddleware {
    func handle(
        _ request: Request, context: Context, next: (Request, Context) async throws -> Response
    ) async throws -> Response {
        var response = try await next(request, context)
        response.headers[.connection] = "close"
        return response
    }
}

struct Greeting: ResponseEncodable {
    let message: String
}

let arguments = CommandLine.arguments
guard arguments.count >= 3, let port = Int(arguments[1]), let threads = Int(arguments[2]), threads > 0 else {
    print("usage: peer-hummingbird PORT THREADS [close]")
    exit(64)
}

var logger = Logger(label: "peer")
logger.logLevel = .error

let router = Router()
if arguments.count > 3 { router.add(middleware: SayClose()) }
router.get("plaintext") { _, _ in "Hello, World!" }
router.get("json") { _, _ in Greeting(message: "Hello, World!") }

let application = Application(
    router: router,
    configuration: .init(address: .hostname("127.0.0.1", port: port)),
    eventLoopGroupProvider: .shared(MultiThreadedEventLoopGroup(numberOfThreads: threads)),
    logger: logger
)
try await application.runService()
