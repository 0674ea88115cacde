// What `/stats` says, as far as the command shows it. Members that a service doesn't send are zero or nil.
// Process: any other than a service's · Thread: main

#if Command
private import FoundationEssentials

package struct ServiceStats: Decodable {
    package struct Server: Decodable {
        package let name: String
        package let version: String
        package let uptime_seconds: Double
        package let workers_ready: Int
        package let workers_wanted: Int
        package let pid: Int?
        package let listening: String?
        package let control: String?
    }

    package struct Latency: Decodable {
        package let p50: Double
        package let p99: Double
    }

    package struct Connections: Decodable { package let open: Int }

    package struct Total: Decodable {
        package let requests: Int
        package let restarts: Int
        package let connections: Connections
        package let latency_seconds: Latency
        package let responses: [String: Int]
    }

    package struct Worker: Decodable {
        package let slot: Int
        package let generation: Int
        package let pid: Int
        package let state: String
        package let uptime_seconds: Double
        package let requests: Int
        package let connections: Connections
        package let latency_seconds: Latency
        package let resident_bytes: Int
        package let restarts: Int
    }

    package struct Exit: Decodable {
        package struct Request: Decodable {
            package let description: String
            package let age_seconds: Double
        }

        package let time: Int
        package let slot: Int
        package let generation: Int
        package let pid: Int
        package let kind: String
        package let reason: String
        package let uptime_seconds: Double
        package let requests: Int
        package let request: Request?
    }

    package struct Quarantine: Decodable {
        package struct Entry: Decodable {
            package let route: String
            package let request: String?
            package let deaths: Int
            package let age_seconds: Double
            package let remaining_seconds: Double
        }

        package let active: [Entry]
    }

    package let server: Server
    package let total: Total
    package let workers: [Worker]
    package let exits: [Exit]
    package let quarantine: Quarantine

    package static func read(from client: AdminClient) throws(AdminFailure) -> ServiceStats {
        try client.read(ServiceStats.self, from: "/stats")
    }
}

extension AdminClient {
    /// A page of JSON.
    package func read<Page: Decodable>(_ page: Page.Type, from path: String) throws(AdminFailure) -> Page {
        let (status, body) = try get(path)
        guard status == 200 else {
            throw .status(status, String(decoding: body.prefix { $0 != 0x0A }.prefix(400), as: UTF8.self))
        }
        guard let page = try? JSONDecoder().decode(page, from: Data(body)) else { throw .notHTTP(address) }
        return page
    }
}

/// A line of the answer to an order.
package struct OrderLine: Decodable {
    package let progress: String?
    package let ok: Bool?
    package let message: String?

    package init?(_ line: String) {
        guard let decoded = try? JSONDecoder().decode(OrderLine.self, from: Data(line.utf8)) else { return nil }
        self = decoded
    }

    /// The content of an order: texts by their names.
    package static func arguments(_ arguments: [String: String]) -> String {
        (try? JSONEncoder().encode(arguments)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    }
}
#endif
