// The verbs that look: status, requests, exits, stacks, quarantine.
// Process: any other than a service's · Thread: main

#if Command
import ArgumentParser
import Glibc

/// `everycore status`
struct Status: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Say how the service is, and what each worker does.",
        discussion: "Where several services run, it lists them.")

    @OptionGroup var options: ServiceOptions

    func run() throws {
        try asking {
            let client = try options.client(timeout: .seconds(10))
            if options.json { return try StandardStream.output.write(page(client, "/stats")) }
            let stats = try ServiceStats.read(from: client)
            try StandardStream.output.write(Self.text(stats, at: client.address))
        }
    }

    package static func text(_ stats: ServiceStats, at address: AdminAddress) -> String {
        let (server, total) = (stats.server, stats.total)
        var text = "\(server.name) \(server.version)\(server.pid.map { ", process \($0)" } ?? ""), up \(TextTable.duration(server.uptime_seconds))\n"
        func line(_ name: String, _ value: String) { text += "  \(name)\(String(repeating: " ", count: max(11 - name.count, 1)))\(value)\n" }
        line("listening", server.listening ?? "-")
        line("control", address.description)
        line("workers", "\(server.workers_ready) of \(server.workers_wanted) ready, \(total.restarts) restarts")
        line("requests", "\(TextTable.grouped(total.requests)), \(TextTable.grouped(total.responses["5xx"] ?? 0)) of them failed (5xx)")
        line("open", "\(TextTable.grouped(total.connections.open)) connections")
        line("latency", "p50 \(milliseconds(total.latency_seconds.p50)), p99 \(milliseconds(total.latency_seconds.p99))")
        for entry in stats.quarantine.active { line("quarantine", entry.request ?? entry.route) }
        return TextTable.plain(lines: text) + "\n"
            + TextTable.lines(
                ["worker", "gen", "pid", "state", "up", "requests", "open", "p99", "memory", "restarts"],
                stats.workers.map { worker in
                    [
                        "\(worker.slot)", "\(worker.generation)", "\(worker.pid)", worker.state, TextTable.duration(worker.uptime_seconds),
                        TextTable.grouped(worker.requests), "\(worker.connections.open)", milliseconds(worker.latency_seconds.p99),
                        TextTable.bytes(worker.resident_bytes), "\(worker.restarts)",
                    ]
                }, right: [1, 2, 5, 6, 7, 8, 9])
    }

    private static func milliseconds(_ seconds: Double) -> String {
        guard seconds.isFinite, seconds >= 0, seconds < 1e9 else { return "-" }
        let tenths = Int((seconds * 10_000).rounded())
        return "\(tenths / 10).\(tenths % 10) ms"
    }
}

/// A page as the service sends it.
private func page(_ client: AdminClient, _ path: String) throws -> String {
    let (status, body) = try client.get(path)
    let text = String(decoding: body, as: UTF8.self)
    guard status == 200 else { throw failure(status, path, text) }
    return text.hasSuffix("\n") ? text : "\(text)\n"
}

/// A page as values.
private func read<Page: Decodable>(_ page: Page.Type, from client: AdminClient, _ path: String) throws -> Page {
    do throws(AdminFailure) { return try client.read(page, from: path) } catch {
        if case .status(let status, let text) = error { throw failure(status, path, text) }
        throw error
    }
}

private func failure(_ status: Int, _ path: String, _ text: String) -> AdminFailure {
    .status(status, status == 404 ? "this service has no page \(path): its program is another version" : String(text.prefix { $0 != "\n" }))
}

/// `everycore requests`
struct Requests: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "List the requests that are being handled now, the oldest first.")

    @OptionGroup var options: ServiceOptions

    private struct Page: Decodable {
        struct Entry: Decodable {
            let worker: Int
            let generation: Int
            let state: String
            let method: String
            let target: String
            let route: String?
            let age_seconds: Double
        }

        let requests: [Entry]
        let waiting: Int?
    }

    func run() throws {
        try asking {
            let client = try options.client(timeout: .seconds(10))
            if options.json { return try StandardStream.output.write(page(client, "/requests")) }
            let page = try read(Page.self, from: client, "/requests")
            let hidden = max((page.waiting ?? 0) - page.requests.count { $0.state == "waiting" }, 0)
            let others = hidden > 0 ? "\(TextTable.grouped(hidden)) more wait\n" : ""
            guard !page.requests.isEmpty else { return try StandardStream.output.write(hidden > 0 ? others : "no request is being handled\n") }
            let rows = page.requests.sorted { $0.age_seconds > $1.age_seconds }.map { entry in
                [
                    "\(entry.worker)", "\(entry.generation)", entry.state, TextTable.duration(entry.age_seconds), entry.route ?? "-",
                    "\(entry.method) \(entry.target)",
                ]
            }
            try StandardStream.output.write(TextTable.lines(["worker", "gen", "state", "age", "route", "request"], rows, right: [1, 3]) + others)
        }
    }
}

/// `everycore exits`
struct Exits: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "List the last ends of workers, with cause and request, the newest first.")

    @OptionGroup var options: ServiceOptions

    func run() throws {
        try asking {
            let client = try options.client(timeout: .seconds(10))
            if options.json { return try StandardStream.output.write(page(client, "/stats")) }
            let exits = try ServiceStats.read(from: client).exits
            guard !exits.isEmpty else { return try StandardStream.output.write("no worker has ended\n") }
            let rows = exits.sorted { $0.time > $1.time }.map { exit in
                [
                    Self.moment(exit.time), "\(exit.slot)", "\(exit.generation)", "\(exit.pid)", exit.kind, exit.reason,
                    TextTable.duration(exit.uptime_seconds), TextTable.grouped(exit.requests),
                    exit.request.map { "\($0.description) (\(TextTable.duration($0.age_seconds)))" } ?? "-",
                ]
            }
            try StandardStream.output.write(
                TextTable.lines(["time", "worker", "gen", "pid", "kind", "reason", "up", "requests", "in request"], rows, right: [2, 3, 7]))
        }
    }

    /// Local time: `2026-11-30 20:15:03`.
    private static func moment(_ seconds: Int) -> String {
        var (time, parts) = unsafe (time_t(seconds), tm())
        guard unsafe localtime_r(&time, &parts) != nil else { return "-" }
        func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return
            unsafe "\(Int(parts.tm_year) + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday)) \(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec))"
    }
}

/// `everycore stacks`
struct Stacks: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show in which functions the workers are now.",
        discussion: "Each worker is interrupted for a moment. Frames of C functions may be missing.")

    @OptionGroup var options: ServiceOptions

    private struct Page: Decodable {
        struct Entry: Decodable {
            let worker: Int
            let generation: Int
            let pid: Int
            let state: String?
            let method: String?
            let target: String?
            let age_seconds: Double?
            let stack: [String]?
        }

        let stacks: [Entry]
    }

    func run() throws {
        try asking {
            let client = try options.client(timeout: .seconds(30))
            if options.json { return try StandardStream.output.write(page(client, "/stacks")) }
            let page = try read(Page.self, from: client, "/stacks")
            guard !page.stacks.isEmpty else { return try StandardStream.output.write("no worker is there\n") }
            try StandardStream.output.write(page.stacks.map(Self.text).joined(separator: "\n"))
        }
    }

    private static func text(_ entry: Page.Entry) -> String {
        var heading = "worker \(entry.worker), generation \(entry.generation), process \(entry.pid)\(entry.state.map { ": \($0)" } ?? "")"
        if let method = entry.method, let target = entry.target { heading += ", \(method) \(target)" }
        if let age = entry.age_seconds { heading += ", for \(TextTable.duration(age))" }
        return ([heading] + (entry.stack ?? []).map { "  \($0)" }).map { TextTable.plain($0) + "\n" }.joined()
    }
}

/// `everycore quarantine`
struct Quarantine: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List what is quarantined, or end a quarantine.", subcommands: [List.self, Release.self], defaultSubcommand: List.self)

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List what is quarantined (the default).")

        @OptionGroup var options: ServiceOptions

        func run() throws {
            try asking {
                let client = try options.client(timeout: .seconds(10))
                if options.json { return try StandardStream.output.write(page(client, "/stats")) }
                let active = try ServiceStats.read(from: client).quarantine.active
                guard !active.isEmpty else { return try StandardStream.output.write("nothing is quarantined\n") }
                let rows = active.map { entry in
                    [
                        entry.route, entry.request ?? "every request", "\(entry.deaths)", TextTable.duration(entry.age_seconds),
                        TextTable.duration(entry.remaining_seconds),
                    ]
                }
                try StandardStream.output.write(TextTable.lines(["route", "request", "deaths", "since", "ends in"], rows, right: [2, 3, 4]))
            }
        }
    }

    struct Release: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "End the quarantine of a route.", discussion: "Its requests go to all workers again. If they kill workers again, it begins anew.")

        @Argument(help: "The route or the request as the list shows it, such as \"GET /item/:id\".") var route: String
        @OptionGroup var options: ServiceOptions

        func run() throws { try asking { try OrderRun(options).run("quarantine-release", ["route": route]) } }
    }
}
#endif
