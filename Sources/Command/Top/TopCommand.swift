// `everycore top`
// Process: any other than a service's · Thread: main

#if Command
internal import ArgumentParser
import Glibc

struct Top: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show a live table of a service's workers, or of several services'.",
        discussion: """
            Several addresses add up to one view; its percentiles come from the services' merged histograms. Where standard output is no \
            terminal, one frame is printed. Keys: h shows them, q ends.
            """)

    @Argument(help: "Control sockets or admin addresses: a path, @name, http://host:port. Found by itself where one service runs.")
    var addresses: [String] = []

    @Option(help: "Sort by worker, rate, p99, open, queue, lag, cpu, memory or restarts.")
    var sort = TopModel.Sort.worker

    mutating func validate() throws {
        for address in addresses where AdminAddress(address) == nil {
            throw ValidationError("'\(address)' is neither a socket's path nor @name, http://host:port or host:port")
        }
    }

    func run() throws {
        var ending: Int32?
        try asking { ending = try watch(addresses.isEmpty ? [ServiceOptions.found()] : addresses.compactMap(AdminAddress.init)) }
        if let ending { throw ExitCode(128 + ending) }
    }

    private func watch(_ services: [AdminAddress]) throws -> Int32? {
        do {
            return try TopLoop(services, sort: sort, onTerminal: TopTerminal.isThere).run()
        } catch let failure as TopFailure {
            try? StandardStream.error.write("\(failure)\n")
            throw ExitCode(69)
        } catch let failure as StreamFailure {
            try? StandardStream.error.write("\(failure)\n")
            throw ExitCode(70)
        }
    }
}

extension TopModel.Sort: ExpressibleByArgument {}
#endif
