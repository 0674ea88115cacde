// State of the program's own in the master, sent to the master that takes its place. What travels is made in the old master when
// it gives the service away, and taken before the new one's workers accept: Upgrade/ProgramState.swift.
//
// Process: master · Thread: loop

internal import EverycoreLoop

/// One kind of state: how it is made, and how it is taken.
struct HandedState {
    /// The type's fully qualified name.
    let name: String
    let encode: () throws -> [UInt8]
    let take: ([UInt8]) throws -> Void

    /// A private or local type has an address in its name, `Shop.(unknown context at $1080).Counts`, which the next program doesn't share.
    static func name(of type: Any.Type) -> String {
        String(reflecting: type).split(separator: ".").filter { !$0.hasPrefix("(unknown context at ") }.joined(separator: ".")
    }
}

extension Cluster {
    /// Gives state that handlers keep in the master to the program that takes this one's place: on USR2, and when the master is started
    /// anew because something has started a thread in it.
    ///
    /// ```swift
    /// var counts: [String: Int] = [:]
    /// cluster.onMessage(Visit.self) { visit, _ in counts[visit.page, default: 0] += 1 }
    /// cluster.handOver { counts } takeOver: { counts.merge($0) { $0 + $1 } }
    /// ```
    ///
    /// - Parameters:
    ///   - state: called in the old master when the new one's workers are ready. What old workers send after that still reaches
    ///     the old master's handlers, and nothing else.
    ///   - takeOver: called in the new master, once, before its workers accept connections. Its workers' bodies have run by then, and
    ///     what they sent has been handled: merge, don't replace. Not called where there was no master before.
    ///
    /// States are told apart by their types, of which each is given once. At most 64 MiB of them go over; what can't be encoded or
    /// decoded is logged and left behind, and the upgrade goes on.
    @discardableResult
    public func handOver<State: Codable>(_ state: @escaping () throws -> State, takeOver: @escaping (State) -> Void) -> Cluster {
        let name = HandedState.name(of: State.self)
        plan.handedStates.removeAll { $0.name == name }
        plan.handedStates.append(
            HandedState(
                name: name, encode: { try WireEncoder(sizeLimit: ProgramState.byteLimit).encode(state()) },
                take: { takeOver(try WireDecoder().decode(State.self, from: $0)) }))
        return self
    }
}

/// All states together, as they travel.
struct ProgramState: Codable {
    static let byteLimit = 1 << 26

    var names: [String] = []
    var values: [[UInt8]] = []
}
