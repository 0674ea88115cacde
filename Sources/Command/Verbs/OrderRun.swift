// One order, from the command line to its answer: a progress line on a terminal while it runs, and what happened in the end.
// Process: any other than a service's · Thread: main

#if Command
import ArgumentParser
import Glibc

/// Why no order can be given there.
enum OrderFailure: Error, CustomStringConvertible {
    case noControlSocket(AdminAddress)

    var description: String {
        switch self {
        case .noControlSocket(let address): "\(address) takes no orders: they go to the control socket, which everycore status names"
        }
    }
}

struct OrderRun {
    let client: AdminClient
    let isJSON: Bool
    /// Standard error is a terminal.
    private let showsProgress = isatty(2) == 1

    /// The master has its own limit, ten minutes.
    static let patience = Duration.seconds(620)

    init(_ options: ServiceOptions) throws {
        client = try options.client(timeout: Self.patience)
        isJSON = options.json
    }

    /// Prints the answer and ends with its status.
    func run(_ verb: String, _ arguments: [String: String] = [:]) throws {
        guard let (line, answer) = try answer(verb, arguments) else { throw AdminFailure.brokenOff(client.address) }
        let message = TextTable.plain(answer.message ?? "")
        if isJSON {
            try StandardStream.output.write("\(line)\n")
        } else if answer.ok == true {
            try StandardStream.output.write("\(message)\n")
        } else {
            try StandardStream.error.write("\(verb.replacing("-release", with: " release")): \(message)\n")
        }
        if answer.ok != true { throw ExitCode(1) }
    }

    /// - Returns: nil where the connection ended before the answer came.
    func answer(_ verb: String, _ arguments: [String: String]) throws -> (line: String, answer: OrderLine)? {
        var last: (String, OrderLine)?
        defer { showProgress(nil) }
        do throws(AdminFailure) {
            try client.lines("/control/\(verb)", posting: OrderLine.arguments(arguments)) { line in
                guard let answer = OrderLine(line) else { return true }
                if answer.ok == nil {
                    showProgress(answer.progress)
                    return true
                }
                last = (line, answer)
                return false
            }
        } catch {
            switch error {
            case .brokenOff: break
            // The pages over TCP are the same service's, and take no orders.
            case .status(404, _), .status(405, _): throw OrderFailure.noControlSocket(client.address)
            default: throw error
            }
        }
        return last
    }

    private func showProgress(_ text: String?) {
        guard showsProgress, !isJSON else { return }
        try? StandardStream.error.write("\r\u{1B}[K\(text.map { "... \(TextTable.plain($0))" } ?? "")")
    }
}
#endif
