// The banner of a start: addresses, the number of workers and its reason, the admin address.
//
// Printed by the master when everything is open, before the first fork.

internal import Cluster
internal import EverycoreStatistics

package struct Banner {
    let listens: [String]
    let workers: Int
    let reason: String
    let admin: String?
    let control: String?

    package init(listens: [String], workers: Int, reason: String, admin: String?, control: String? = nil) {
        self.control = control
        self.listens = listens
        self.workers = workers
        self.reason = reason
        self.admin = admin
    }

    init(start: ClusterStart) {
        self.init(
            listens: start.addresses.map(Self.link), workers: start.workers, reason: start.reason,
            admin: start.auxiliaries.first { $0.name == "admin" }?.addresses.first.map(Self.link), control: start.control?.description)
    }

    package func text(as format: ServerConfiguration.LogFormat) -> String {
        switch format {
        case .text:
            """
            everycore \(Server.version)
              listening  \(listens.joined(separator: ", "))
              workers    \(workers) (\(reason))
              admin      \(admin ?? "off")
              control    \(control ?? "off")
            """
        case .json:
            JSONWriter.object { banner in
                banner.member("event", "start")
                banner.member("version", Server.version)
                banner.member("listening", listens.joined(separator: ", "))
                banner.member("workers", workers)
                banner.member("reason", reason)
                if let admin { banner.member("admin", admin) }
                if let control { banner.member("control", control) }
            }
        }
    }

    private static func link(_ address: ListenAddress) -> String {
        switch address {
        case .tcp: "http://\(address)"
        case .unix(let path): "unix:\(path)"
        }
    }
}
