// Serves a Hummingbird router on the listeners that a worker has from its master. Runs in a worker, after the fork.
//
// Hummingbird's own `Application` opens its socket itself. NIO takes one that is open already, and Hummingbird's HTTP/1.1 channel
// does the rest. NIO reads and writes on a thread of its own; the handlers run on the worker's loop, which is the home of all
// tasks in the process.

import Cluster
import Glibc
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOExtras
import NIOPosix

struct HummingbirdService {
    private let http: HTTP1Channel
    /// One thread: the worker has one core.
    private let threads = MultiThreadedEventLoopGroup(numberOfThreads: 1)

    init(_ router: Router<BasicRequestContext>) {
        let responder = router.buildResponder()
        http = HTTP1Channel { request, writer, channel in
            let context = BasicRequestContext(source: .init(channel: channel, logger: Logger(label: "hummingbird")))
            let response: Response
            do {
                response = try await responder.respond(to: request, context: context)
            } catch let error as any HTTPResponseError {
                response = try error.response(from: request, context: context)
            } catch {
                response = Response(status: .internalServerError)
            }
            try await writer.write(response: response.head, body: response.body)
        }
    }

    func serve(in worker: Worker) throws {
        for listener in worker.listeners {
            // NIO closes what it was given; the worker's own copy is the cluster's.
            let socket = dup(listener.descriptor)
            let quiescing = ServerQuiescingHelper(group: threads)
            Task {
                do {
                    try await accept(from: socket, quiescing)
                } catch {
                    worker.logger.error("does not accept from \(listener.address): \(error)")
                }
            }
            worker.onDrain { done in
                worker.closeListeners()
                let drained = threads.any().makePromise(of: Void.self)
                quiescing.initiateShutdown(promise: drained)
                nonisolated(unsafe) let done = done
                drained.futureResult.whenComplete { _ in worker.loop.execute { done() } }
            }
        }
    }

    private func accept(from socket: Int32, _ quiescing: ServerQuiescingHelper) async throws {
        let logger = Logger(label: "hummingbird")
        let server = try await ServerBootstrap(group: threads)
            .serverChannelOption(.backlog, value: 4096)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(quiescing.makeServerChannelHandler(channel: channel))
                }
            }
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .bind(socket) { [http] channel in http.setup(channel: channel, logger: logger) }
        try await server.executeThenClose { connections in
            try await withThrowingDiscardingTaskGroup { group in
                for try await connection in connections {
                    group.addTask { [http] in await http.handle(value: connection, logger: logger) }
                }
            }
        }
    }
}
