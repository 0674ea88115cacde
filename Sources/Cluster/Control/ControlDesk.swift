// Where orders of operators come to the master: a table of verbs. Each order comes from the auxiliary that serves the control socket, with the
// operator's connection, which the kernel is asked about; no byte of it is read here.
// Process: master · Thread: loop
//
//   ControlAccess.swift   who may give orders
//   ControlVerbs.swift    what the master does on orders
//
// Another part adds a verb of its own where the master wires it: control.add("stacks") { order, answer in … answer.done("…") }.

internal import CEverycorePosix
package import EverycoreLoop
internal import Glibc
internal import Logging

final class ControlDesk {
    /// Carries out an order, now or later, and ends its answer in every case. Called in a turn of the loop of its own.
    typealias Handler = (ControlOrder, ControlAnswer) -> Void

    private struct Verb {
        /// It changes something: the log says who ordered it.
        let changes: Bool
        let handler: Handler
    }

    private let context: MasterContext
    private let pool: WorkerPool
    /// The control socket, and the auxiliary that serves it; nil where there is none.
    private let seat: ControlSeat?
    private var verbs: [String: Verb] = [:]
    /// Users that workers run or ran as, where that is another one than the master's.
    private var workersUsers: Set<UInt32> = []
    private var underWay = 0

    /// Orders at a time. An operator has one.
    private static let limit = 64
    /// An order that is not over by then has its answer, and goes on.
    private static let patience = Duration.seconds(600)

    init(_ context: MasterContext, pool: WorkerPool, seat: ControlSeat?) {
        self.context = context
        self.pool = pool
        self.seat = seat
        noteUsers()
    }

    /// - Parameter changes: whether it changes anything; then the log says who ordered it.
    func add(_ verb: String, changes: Bool = false, _ handler: @escaping Handler) { verbs[verb] = Verb(changes: changes, handler: handler) }

    func stop() { verbs = [:] }

    /// Another plan may have its workers run as another user, while the old ones still go.
    func planChanged() { noteUsers() }

    private func noteUsers() { if let user = context.options.credentials?.user { workersUsers.insert(user) } }

    // MARK: Orders

    /// - Parameter connection: closed here; negative where this process had no descriptor for it.
    func received(_ packet: Packet, _ connection: Int32, from child: Child) {
        defer { if connection >= 0 { close(connection) } }
        guard packet.kind == .order, let seat, child.role == .auxiliary(index: seat.auxiliary), let (number, bytes) = packet.numbered else {
            return pool.ignore(packet, from: child)
        }
        let answer = makeAnswer(number, to: child)
        guard connection >= 0 else { return answer.failed("the master has no descriptor to spare for the connection") }
        guard let order = try? WireDecoder().decode(ControlOrder.self, from: Array(bytes)) else {
            return answer.failed("the order can't be read")
        }
        let peer: ControlAccess.Peer
        do throws(SystemError) { peer = try ControlAccess.Peer(of: connection, at: seat.address) } catch {
            return answer.failed("the kernel doesn't say who orders it: \(error)")
        }
        let access = ControlAccess(user: geteuid(), workersUsers: workersUsers)
        if let refusal = access.refusal(of: peer, isOwn: { $0 == context.pid || pool.children[$0] != nil }) {
            note(order, of: peer, refusal)
            return answer.failed("not permitted: \(refusal)")
        }
        carryOut(order, of: peer, answer)
    }

    private func makeAnswer(_ number: UInt32, to child: Child) -> ControlAnswer {
        underWay += 1
        return ControlAnswer { [weak child] reply in
            guard let channel = child?.channel, let bytes = try? WireEncoder(sizeLimit: ControlReply.byteLimit).encode(reply) else { return false }
            do throws(MessageError) { try channel.send(control: Packet(.orderReply, number: number, and: bytes)) } catch { return false }
            return true
        } onEnd: { [weak self] _ in
            self?.underWay -= 1
        }
    }

    private func carryOut(_ order: ControlOrder, of peer: ControlAccess.Peer, _ answer: ControlAnswer) {
        guard underWay <= Self.limit else { return answer.failed("\(Self.limit) orders are under way already") }
        guard let verb = verbs[order.verb] else { return answer.failed("there is no order \(LogText.plain(order.verb, limit: 40))") }
        if verb.changes { note(order, of: peer) }
        answer.limit(
            context.loop.after(Self.patience) { [weak answer] in
                answer?.failed("not over after \(Self.patience.inSeconds); it goes on")
            })
        verb.handler(order, answer)
    }

    // MARK: The log

    private func note(_ order: ControlOrder, of peer: ControlAccess.Peer, _ refusal: ControlAccess.Refusal? = nil) {
        let arguments = order.arguments.sorted { $0.key < $1.key }.map { "\($0)=\($1)" }
        var details: Logger.Metadata = [
            "order": "\(LogText.plain(([order.verb] + arguments).joined(separator: " ")))", "user": "\(peer.user)", "peer_pid": "\(peer.pid)",
        ]
        guard let refusal else { return context.log(.notice, .controlOrder, "an operator's order", details) }
        details["reason"] = "\(refusal)"
        context.logOfPeer(.controlRefused, .controlRefused, "an operator's order was refused", details)
    }
}

/// The control socket as the master has it.
struct ControlSeat {
    let address: ListenAddress
    /// The auxiliary that serves it.
    let auxiliary: Int
}

extension ControlAccess.Peer {
    /// Asks the kernel about a connection.
    package init(of connection: Int32, at address: ListenAddress) throws(SystemError) {
        var peer = cposix_peer()
        try systemCall("ask who is connected") { unsafe cposix_peer_of(connection, &peer) }
        let bound = try SocketAddress(boundTo: connection)
        self.init(
            user: peer.user, pid: peer.pid, isUnixStream: peer.is_unix_stream != 0,
            isAtControlAddress: peer.is_unix_stream != 0 && bound.readable == address)
    }
}
