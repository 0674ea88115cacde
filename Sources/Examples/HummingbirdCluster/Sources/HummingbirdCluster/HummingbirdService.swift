// Serves a Hummingbird router on the connections of a worker. Runs in the worker, after the fork.
//
// Hummingbird's own `Application` opens a socket of its own. Here the worker accepts, as its cluster says: from its own listeners, from
// those of dead siblings, and what a sibling hands over. NIO takes each connection's descriptor, and Hummingbird's HTTP/1.1
// channel does the rest. NIO reads and writes on a thread of its own; the handlers run on the worker's loop, which is the
// home of all tasks in the process. Everything of this class happens on the loop, too.

import Cluster
import EverycoreLoop
import Glibc
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOPosix

final class HummingbirdService: ConnectionService, @unchecked Sendable {
    private let worker: Worker
    private let http: HTTP1Channel
    /// One thread: the worker has one core.
    private let threads = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    private var acceptors: [Int32: DescriptorWatch] = [:]
    private var channels: [ObjectIdentifier: any Channel] = [:]
    private var open = 0
    private var drained: (() -> Void)?

    init(_ router: Router<BasicRequestContext>, in worker: Worker) {
        self.worker = worker
        let responder = router.buildResponder()
        http = HTTP1Channel { request, writer, channel in
            let context = BasicRequestContext(source: .init(channel: channel, logger: worker.logger))
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
        worker.onDrain { [self] done in
            drained = done
            acceptors = [:]
            worker.closeListeners()
            // Idle connections close, the others after their response.
            for channel in channels.values { channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent()) }
            if open == 0 { done() }
        }
    }

    func startAccepting(from listener: Listener) throws {
        acceptors[listener.descriptor] = try worker.loop.watch(listener.descriptor, for: .read) { [unowned self] _ in
            let connection = accept(listener.descriptor, nil, nil)
            guard connection >= 0 else { return }
            _ = fcntl(connection, F_SETFD, FD_CLOEXEC)
            if !worker.handOver(connection) { take(connection, isNew: true) }
        }
    }

    func stopAccepting(from listener: Listener) { acceptors[listener.descriptor] = nil }

    func take(_ connection: Int32, isNew: Bool) {
        open += 1
        Task { @MainActor in
            do {
                try await serve(connection)
            } catch {
                worker.logger.debug("lost a connection: \(error)")
            }
            worker.connectionEnded(afterShortLife: false)
            open -= 1
            if open == 0 { drained?() }
        }
    }

    /// The main actor is the worker's loop.
    @MainActor private func serve(_ connection: Int32) async throws {
        let logger = worker.logger
        let value = try await ClientBootstrap(group: threads)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .withConnectedSocket(connection) { [http] channel in http.setup(channel: channel, logger: logger) }
        let channel = value.channel
        channels[ObjectIdentifier(channel)] = channel
        defer { channels[ObjectIdentifier(channel)] = nil }
        // Accepted just before the drain began.
        if drained != nil { channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent()) }
        await http.handle(value: value, logger: logger)
    }
}
