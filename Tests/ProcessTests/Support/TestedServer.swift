// A server under test, from its banner to its last summary.

import Foundation
import Glibc
import TestSupport
import Testing

final class TestedServer {
    let program: Running
    let endpoint: Endpoint
    let admin: Endpoint?

    /// The shipped command: `everycore serve` with these options, on ports that the kernel chooses.
    static func everycore(
        _ options: String..., workers: Int? = 2, admin: String = "127.0.0.1:0", environment: [String: String] = [:],
        wrapper: [String] = [], isInside: Bool = false
    ) throws -> TestedServer {
        let count = workers.map { ["--workers", "\($0)"] } ?? []
        let options = ["serve", "--port", "0", "--admin", admin] + count + options
        return try TestedServer(Running("everycore", options, environment: environment, wrapper: wrapper), isInside: isInside)
    }

    /// The server whose handlers do harm.
    static func harmful(_ settings: String..., workers: Int = 2, environment: [String: String] = [:]) throws -> TestedServer {
        let arguments = ["port=0", "admin=127.0.0.1:0", "workers=\(workers)"] + settings
        return try TestedServer(Running("everycore-test-server", arguments, environment: environment))
    }

    /// Waits for the banner, for every process that it promises, and for a first answer.
    /// - Parameter isInside: the program started the server as its child.
    init(_ program: Running, isInside: Bool = false) throws {
        self.program = program
        self.isInside = isInside
        let isThere = program.becomesTrue(within: .seconds(10)) {
            program.output.contains("  control  ") || program.output.contains(#""reason":"#) || program.wait(within: .zero) != nil
        }
        try #require(isThere && program.status == nil, "did not start: \(program.output)\(program.error)")
        let banner = program.output
        let listening = try #require(Self.place(after: banner.contains("listening  ") ? "listening  " : #""listening":""#, in: banner))
        endpoint = listening
        admin = Self.place(after: banner.contains("admin      ") ? "admin      " : #""admin":""#, in: banner)
        // It is the admin worker that serves it.
        let hasControl = banner.contains("control    ") ? !banner.contains("control    off") : banner.contains(#""control":"#)
        let count = banner.firstMatch(of: /workers(?: {4}|":)(\d+)/).flatMap { Int($0.1) } ?? 0
        // The kernel gives a child its parent's name until it has set its own.
        let areThere = program.becomesTrue(within: .seconds(5)) {
            // The log's writer may be there or not.
            let others = ProcessTable.children(of: master).filter { ProcessTable.name(of: $0) != "everycore-log" }
            return workers.count == count && others.count >= count + (admin == nil && !hasControl ? 0 : 1)
        }
        try #require(areThere, "\(count) workers are announced: \(ProcessTable.children(of: program.pid))")
        try #require(try get("/health").status == 200)
    }

    private let isInside: Bool

    var master: pid_t { isInside ? ProcessTable.children(of: program.pid).first ?? -1 : program.pid }

    /// Every process that serves requests, by its slot.
    var workers: [pid_t] {
        ProcessTable.children(of: master).filter { ProcessTable.name(of: $0).contains("-w") }
            .sorted { ProcessTable.name(of: $0) < ProcessTable.name(of: $1) }
    }

    func connect() throws -> Connection { try Connection(endpoint) }

    /// One request on a connection of its own.
    func get(_ target: String, within limit: Duration = .seconds(5)) throws -> Reply {
        let connection = try connect()
        connection.request("GET", target, headers: "Connection: close\r\n")
        return try connection.reply(within: limit)
    }

    func getAdmin(_ target: String) throws -> Reply {
        let connection = try Connection(try #require(admin))
        connection.request("GET", target, headers: "Connection: close\r\n")
        return try connection.reply()
    }

    func stats() throws -> Stats {
        let reply = try getAdmin("/stats")
        try #require(reply.status == 200)
        return try JSONDecoder().decode(Stats.self, from: Data(reply.body.utf8))
    }

    /// A connection that a certain worker has accepted.
    func connect(toSlot slot: Int) throws -> (connection: Connection, who: Identity) {
        // Those that others have accepted are kept meanwhile: the more they have, the sooner this one gets one.
        var others: [Connection] = []
        for _ in 0..<200 {
            let connection = try connect()
            let who = try connection.whoami()
            if who.worker == slot { return (connection, who) }
            others.append(connection)
        }
        throw NoReply(reason: "worker \(slot) accepted none of 200 connections", partial: "")
    }

    /// Waits until so many workers have said that they are ready, and are alive: the master may not know yet of an end.
    func awaitReady(_ count: Int) throws {
        let areReady = program.becomesTrue(within: .seconds(5)) {
            guard let stats = try? stats() else { return false }
            return stats.server.workers_ready == count && stats.workers.allSatisfy { ProcessTable.isAlive($0.pid) }
        }
        #expect(areReady, "fewer than \(count) workers became ready")
    }

    /// Waits until handlers hold the loops of these processes, or of one of the server's children. Where the kernel doesn't show in which
    /// call a process waits, that takes half a second.
    func awaitHeld(_ pids: [pid_t]? = nil) {
        _ = program.becomesTrue(within: .milliseconds(500)) {
            pids?.allSatisfy(ProcessTable.isHeld) ?? ProcessTable.children(of: master).contains(where: ProcessTable.isHeld)
        }
    }

    /// Sends TERM and waits for the end.
    @discardableResult
    func stop(_ signal: Int32 = SIGTERM, within limit: Duration = .seconds(8)) -> Int32? {
        program.signal(signal)
        return program.wait(within: limit)
    }

    private static func place(after label: String, in text: String) -> Endpoint? {
        guard let range = text.range(of: label) else { return nil }
        let word = text[range.upperBound...].prefix { $0 != "\n" && $0 != "\"" && $0 != "," }
        if word.hasPrefix("unix:") { return .unix(String(word.dropFirst(5))) }
        guard word.hasPrefix("http://"), let port = word.split(separator: ":").last.flatMap({ UInt16($0) }) else { return nil }
        return word.contains("[") ? .ipv6(port) : .ipv4(port)
    }
}

extension Connection {
    func whoami() throws -> Identity {
        request("GET", "/whoami")
        return try reply().identity()
    }
}

extension Reply {
    func identity() throws -> Identity { try JSONDecoder().decode(Identity.self, from: Data(body.utf8)) }
}

/// What `/whoami` says.
struct Identity: Decodable, Equatable {
    let worker: Int
    let generation: Int
    let pid: pid_t
}

/// What `/stats` says, under its own names.
struct Stats: Decodable {
    struct Server: Decodable { let workers_ready: Int, workers_wanted: Int }
    struct Connections: Decodable { let accepted: Int, handed_over: Int, open: Int }
    struct Reports: Decodable { let received: Int, lost: Int, refused: Int }
    struct Latency: Decodable { let p50: Double?, p90: Double?, p99: Double?, p999: Double?, max: Double?, mean: Double? }
    struct AccessLog: Decodable { let lines: Int, lost: Int }
    struct Total: Decodable {
        let requests: Int, responses: [String: Int], bytes_in: Int, bytes_out: Int, connections: Connections
        let latency_seconds: Latency, reports: Reports, restarts: Int, access_log: AccessLog
    }
    struct Worker: Decodable {
        let slot: Int, generation: Int, pid: pid_t, state: String, uptime_seconds: Double, resident_bytes: Int
        let connections: Connections
        let stale_seconds: Double, requests: Int, responses: [String: Int], restarts: Int
    }

    let server: Server, total: Total, workers: [Worker]
}
