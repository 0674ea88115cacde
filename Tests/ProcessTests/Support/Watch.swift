// Looks at a service from outside while harm is done to one of its workers: clients that keep asking on connections that they have,
// and probes that each open a new one. One thread, nothing blocks.

import Foundation
import Glibc
import TestSupport
import Testing

final class Watch {
    /// A client that asks again as soon as it was answered.
    struct Client {
        let connection: Connection
        var who: Identity
        var answered = 0
        var askedAt = ContinuousClock.now
    }

    let server: TestedServer
    var clients: [Client] = []
    /// Why clients lost their connections, with the worker that they had.
    private(set) var losses: [(who: Identity, reason: String)] = []
    /// Statuses other than 200.
    private(set) var refusals: [Int] = []
    private(set) var slowestAnswer = Duration.zero
    private(set) var slowestProbe = Duration.zero
    private(set) var probeFailures: [String] = []
    private(set) var probesAnswered = 0
    /// The last answer to a probe, by slot, and when the first one of each generation came.
    private(set) var firstSeen: [String: ContinuousClock.Instant] = [:]
    /// Requests that were answered while the clients were sorted by worker.
    private(set) var asked = 0
    /// A connection whose end is the moment of a worker's death.
    var doomed: Connection?
    private(set) var doomedEndedAt: ContinuousClock.Instant?
    /// `total.requests` of `/stats`, asked for all the time.
    private(set) var totals: [Int] = []
    private var statistics: Connection
    /// Clients ask who serves them, which may change.
    private let follows: Bool
    private var asksStatisticsAt: ContinuousClock.Instant?
    private var probes: [(connection: Connection, since: ContinuousClock.Instant)] = []

    /// - Parameter perWorker: how many clients keep asking each worker.
    init(_ server: TestedServer, workers: Int = 2, perWorker: Int = 4, follows: Bool = false) throws {
        self.server = server
        self.follows = follows
        statistics = try Connection(try #require(server.admin))
        statistics.request("GET", "/stats")
        while clients.count < workers * perWorker {
            let connection = try server.connect()
            let who = try connection.whoami()
            asked += 1
            if clients.count(where: { $0.who.worker == who.worker }) < perWorker {
                clients.append(Client(connection: connection, who: who))
            }
        }
        for index in clients.indices { ask(index) }
    }

    var answered: Int { clients.reduce(0) { $0 + $1.answered } }

    func first(ofSlot slot: Int, generation: Int) -> ContinuousClock.Instant? { firstSeen["\(slot).\(generation)"] }

    /// Watches until the condition holds. Returns whether it did in time.
    @discardableResult
    func run(probes count: Int = 4, within limit: Duration, until condition: () throws -> Bool) throws -> Bool {
        let deadline = ContinuousClock.now + limit
        while ContinuousClock.now < deadline {
            while probes.count < count { openProbe() }
            let others = [statistics] + (doomed.map { [$0] } ?? [])
            Connection.wait(for: clients.map(\.connection) + probes.map(\.connection) + others, upTo: .milliseconds(1))
            noteDeath()
            for index in clients.indices { serve(index) }
            serveProbes()
            try takeStatistics()
            server.program.collect()
            if try condition() { return true }
        }
        return false
    }

    /// Takes the answers that are still to come, and leaves.
    func finish() {
        let deadline = ContinuousClock.now + .seconds(2)
        for index in clients.indices {
            while clients[index].connection.end == nil, ContinuousClock.now < deadline {
                guard let reply = try? clients[index].connection.reply(within: .seconds(1)) else { break }
                note(reply, index)
                break
            }
            clients[index].connection.leave()
        }
        for probe in probes where (try? probe.connection.reply(within: .seconds(1))) != nil { probesAnswered += 1 }
        probes = []
        statistics.leave()
    }

    private func noteDeath() {
        guard let doomed, doomedEndedAt == nil else { return }
        doomed.receive()
        if doomed.end != nil { doomedEndedAt = .now }
    }

    private func takeStatistics() throws {
        if let time = asksStatisticsAt {
            guard ContinuousClock.now >= time else { return }
            asksStatisticsAt = nil
            statistics.request("GET", "/stats")
        }
        statistics.receive()
        guard let reply = statistics.nextReply() else {
            // A reload replaces the admin worker, too.
            guard statistics.end != nil else { return }
            statistics.leave()
            statistics = try Connection(try #require(server.admin))
            asksStatisticsAt = .now
            return
        }
        totals.append(try JSONDecoder().decode(Stats.self, from: Data(reply.body.utf8)).total.requests)
        asksStatisticsAt = .now + .milliseconds(5)
    }

    private func ask(_ index: Int) {
        clients[index].askedAt = .now
        clients[index].connection.request("GET", follows ? "/whoami" : "/plaintext")
    }

    private func serve(_ index: Int) {
        let connection = clients[index].connection
        guard connection.end == nil else { return }
        connection.receive()
        if let reply = connection.nextReply() {
            note(reply, index)
            ask(index)
        }
        if let end = connection.end { losses.append((clients[index].who, end)) }
    }

    private func note(_ reply: Reply, _ index: Int) {
        clients[index].answered += 1
        if follows, let who = try? reply.identity() { clients[index].who = who }
        slowestAnswer = max(slowestAnswer, .now - clients[index].askedAt)
        if reply.status != 200 { refusals.append(reply.status) }
    }

    private func openProbe() {
        guard let connection = try? server.connect() else {
            probeFailures.append("could not connect")
            return
        }
        connection.request("GET", "/whoami", headers: "Connection: close\r\n")
        probes.append((connection, .now))
    }

    private func serveProbes() {
        let now = ContinuousClock.now
        probes.removeAll { probe in
            probe.connection.receive()
            if let reply = probe.connection.nextReply() {
                probesAnswered += 1
                slowestProbe = max(slowestProbe, now - probe.since)
                if let who = try? reply.identity(), first(ofSlot: who.worker, generation: who.generation) == nil {
                    firstSeen["\(who.worker).\(who.generation)"] = now
                }
                return true
            }
            if let end = probe.connection.end { probeFailures.append(end) }
            return probe.connection.end != nil
        }
    }
}
