// When an endpoint is served by the quarantine worker, and for how long. Plain settings, read by the master.
// Process: any · Thread: any

/// When requests that keep killing workers are served by a worker of their own; see <doc:Quarantine>.
public struct QuarantinePolicy: Sendable, Equatable {
    /// So many deaths within ``window`` make an endpoint suspect. 0 turns quarantine off.
    public var deaths = 3
    /// The time within which deaths count together.
    public var window: Duration = .seconds(60)
    /// How long quarantine lasts after the last death. It doubles each time that an endpoint has to come back.
    public var duration: Duration = .seconds(30)
    /// No quarantine lasts longer after the last death.
    public var longestDuration: Duration = .seconds(600)
    /// Requests that wait for the quarantine worker; further ones are refused.
    public var queueCount = 64
    /// How long the quarantine worker's loop may be stuck in one request.
    public var stuckLimit: Duration = .seconds(5)

    public init() {}

    var isOn: Bool { deaths > 0 }
}

/// What a service tells the cluster of one of its endpoints. The cluster knows endpoints by numbers, and shows the text.
package struct EndpointDescription: Sendable, Equatable {
    /// Never 0, and the same in every generation: a hash of what the endpoint is.
    package let number: UInt64
    /// Such as `GET /item/:id`.
    package let text: String
    /// Whether it may be quarantined.
    package let mayBeQuarantined: Bool

    package init(number: UInt64, text: String, mayBeQuarantined: Bool = true) {
        self.number = number
        self.text = text
        self.mayBeQuarantined = mayBeQuarantined
    }
}
