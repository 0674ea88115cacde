// An entry of the route table: the handler, and its identity for the cluster.
// Made before the fork with the routes; each worker has its own copy.
// Process: any · Thread: loop

package import Cluster

final class Endpoint: @unchecked Sendable {
    let handler: Handler
    /// The handler where it is a synchronous one: calling it from here copies nothing.
    let syncHandler: (Request) throws -> Response
    let isSync: Bool
    let parameterNames: [String]
    /// The endpoint's identity for the cluster: the same in every worker and every generation.
    let number: UInt64
    let description: EndpointDescription
    /// Where this worker's table counts it; -1 before its first request.
    @exclusivity(unchecked) private var entry = -1

    /// - Parameter text: method and pattern.
    init(handler: Handler, parameterNames: [String], text: String, mayBeQuarantined: Bool = true) {
        self.handler = handler
        if case .sync(let body) = handler {
            (syncHandler, isSync) = (body, true)
        } else {
            (syncHandler, isSync) = ({ _ in throw HTTPError(500) }, false)
        }
        self.parameterNames = parameterNames
        description = EndpointDescription(number: PathHash.of(text.utf8), text: text, mayBeQuarantined: mayBeQuarantined)
        number = description.number
    }

    /// What is served without a route.
    static let files = EndpointDescription(number: PathHash.of("static files".utf8), text: "static files")

    @inline(__always)
    func answered(in table: EndpointTable?) {
        guard let table else { return }
        table.answered(unsafe entry >= 0 ? entry : enter(table))
    }

    /// The endpoint's entry in the worker's table.
    @inline(never)
    func enter(_ table: EndpointTable) -> Int {
        if unsafe entry < 0 { unsafe entry = table.enter(number) }
        return unsafe entry
    }
}

extension BuiltRoutes {
    /// The endpoints' names for the cluster.
    package var descriptions: [EndpointDescription] { endpoints.map(\.description) + [Endpoint.files] }
}
