// What all verbs share: which service is meant, how long to wait, and in which form to answer.
// Process: any other than a service's · Thread: main

#if Command
import ArgumentParser
import Everycore
import Glibc

struct ServiceOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The service's control socket: a path, or @NAME for a socket without a file; also EVERYCORE_CONTROL. Found by itself where one service runs.",
            valueName: "ADDRESS"))
    var socket: String?
    @Option(help: ArgumentHelp("How long to wait for the answer, such as 30s. What was ordered goes on after it.", valueName: "DURATION"))
    var timeout: String?
    @Flag(help: "Answer in JSON.") var json = false

    init() {}

    func validate() throws {
        if let timeout, Self.duration(timeout) == nil { throw ValidationError("--timeout: \(printable(timeout)) is no duration such as 500ms, 30s or 2m") }
        if let socket, AdminAddress(socket) == nil { throw ValidationError("--socket: \(printable(socket)) is no path of a socket, @NAME or HOST:PORT") }
    }

    private static func duration(_ text: String) -> Duration? { ValueFormat<Duration>.duration(.milliseconds(1) ... .seconds(86400)).parse(text) }

    /// - Parameter standard: where none is given.
    func client(timeout standard: Duration?) throws -> AdminClient {
        AdminClient(try service(), timeout: timeout.flatMap(Self.duration) ?? standard)
    }

    /// The one that is named, or the only one.
    private func service() throws -> AdminAddress { try named ?? Self.found() }

    /// The only one that runs here.
    static func found() throws -> AdminAddress {
        if let variable { return variable }
        let (services, refused) = ServiceFinder().find()
        if services.count == 1, let only = services.first { return only.address }
        guard services.isEmpty else { throw ServiceChoice.several(services) }
        throw ServiceChoice.none(refused)
    }

    private var named: AdminAddress? { socket.flatMap(AdminAddress.init) }

    private static var variable: AdminAddress? {
        guard let given = ServiceFinder.environment("EVERYCORE_CONTROL"), given != "auto", given != "off" else { return nil }
        return AdminAddress(given)
    }
}

/// Which service is meant can't be told.
enum ServiceChoice: Error, CustomStringConvertible {
    case none([AdminFailure])
    case several([FoundService])

    var description: String {
        switch self {
        case .none(let refused):
            refused.isEmpty
                ? "no service is running here, or its control socket is elsewhere: name it with --socket" : refused.map(\.description).joined(separator: "\n")
        case .several(let services):
            "\(services.count) services run here: name one with --socket\n" + Self.list(services)
        }
    }

    static func list(_ services: [FoundService]) -> String {
        TextTable.lines(
            ["socket", "pid", "listening", "workers", "up"],
            services.map { service in
                let server = service.stats.server
                return [
                    service.address.description, server.pid.map(String.init) ?? "-", server.listening ?? "-",
                    "\(server.workers_ready) of \(server.workers_wanted)", TextTable.duration(server.uptime_seconds),
                ]
            }
        )
        .trimmed
    }
}

extension String {
    /// Without the line's end.
    var trimmed: String { hasSuffix("\n") ? String(dropLast()) : self }
}

/// Runs a verb: what keeps it from its end is told on standard error, and is the exit status.
func asking(_ body: () throws -> Void) throws {
    do {
        try body()
    } catch let code as ExitCode {
        throw code
    } catch let error as ValidationError {
        throw error
    } catch {
        try? StandardStream.error.write("\(TextTable.plain(lines: "\(error)"))\n")
        throw ExitCode(verbStatus(for: error))
    }
}

/// 64 where the service has to be named, 69 where none is there, 75 where it doesn't answer in time, 77 without permission, 1 where it refuses.
package func verbStatus(for error: any Error) -> Int32 {
    switch error {
    case ServiceChoice.several, OrderFailure.noControlSocket: 64
    case ServiceChoice.none(let refused): refused.contains { if case .notPermitted = $0 { true } else { false } } ? 77 : 69
    case let failure as AdminFailure:
        switch failure {
        case .notPermitted, .status(403, _): 77
        case .timedOut: 75
        case .status: 1
        case .notThere, .isDead, .notASocket, .cannotConnect, .notHTTP, .brokenOff, .tooLong: 69
        }
    default: 70
    }
}

extension TextTable {
    static func plain(lines text: String) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false).map { plain(String($0)) }.joined(separator: "\n")
    }
}
#endif
