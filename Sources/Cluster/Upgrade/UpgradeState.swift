// What a master leaves to the program that takes its place: its sockets, by the numbers of their descriptors, and the numbers that
// must go on. Written by the old master into a file in memory that the new program inherits; read by the new master before it
// opens anything.

internal import CEverycorePosix
internal import EverycoreLoop
internal import Glibc

struct UpgradeState: Codable {
    struct Socket: Codable {
        let descriptor: Int32
        /// Empty for a Unix socket.
        let host: String
        let port: UInt16
        let path: String

        init(_ listener: Listener) {
            descriptor = listener.descriptor
            switch listener.address {
            case .tcp(let host, let port): (self.host, self.port, path) = (host, port, "")
            case .unix(let path): (host, port, self.path) = ("", 0, path)
            }
        }

        var listener: Listener {
            Listener(descriptor: descriptor, address: path.isEmpty ? .tcp(host: host, port: port) : .unix(path: path))
        }
    }

    struct Auxiliary: Codable {
        let name: String
        /// As it was described.
        let addresses: [String]
        let listeners: [Socket]
        let lastGeneration: Int
    }

    /// Of this layout. Another version of the program may know another one: then it refuses, and the old master stays.
    private(set) var version = Self.version
    static let version = 2

    /// To the old master: packets as between a master and its workers.
    var channel: Int32 = -1
    /// As they were described.
    var addresses: [String] = []
    /// For each slot; those behind `listening` are bound only.
    var slots: [[Socket]] = []
    var listening = 0
    var inherited: [Int32] = []
    var socketPaths: [String] = []
    /// The same, with what tells them from others' under the same names. An older version has none.
    var socketFiles: [SocketFile]?
    var handOver: [[Int32]] = []
    var auxiliaries: [Auxiliary] = []
    var lastGenerations: [Int] = []
    var lastWorkerID = 0
    var startedAt: UInt64 = 0
    /// The file of the program that the old master runs, and its arguments: what an upgrade that fails goes back to.
    var program: Int32 = -1
    var arguments: [String] = []
    /// What the old workers can do, see ``Probation``.
    var hasAnswered = false
    /// Nil where it isn't known, as of an older version.
    var answered: [UInt64]?
    var deadly: [UInt64] = []
    /// A process that stands by for its successors: the first one of a container. Else 0.
    var guardian: Int32 = 0
    /// The path that the program was started by.
    var programPath: String?
    var healing: ThreadWatch.Healing?
    /// How many there were, for a plan that bounds their number only; and whether that was given. An older version says neither.
    var workers: Int?
    var isScalingHeld: Bool?
    /// The history's file; nil where there is none, as of an older version.
    var history: Int32?
    /// As it was described: `auto`, a path, or `off`. Nil of an older version, which has none.
    var controlPlace: String?
    var control: Socket?
    /// Auxiliaries that listen on nothing but the control socket: an older version doesn't know of any.
    var silentAuxiliaries: [Auxiliary]?

    var descriptors: [Int32] {
        let ofAuxiliaries = auxiliaries.flatMap { $0.listeners.map(\.descriptor) } + (control.map { [$0.descriptor] } ?? [])
        return [channel] + (program >= 0 ? [program] : []) + (history.map { [$0] } ?? []) + inherited + slots.joined().map(\.descriptor)
            + handOver.flatMap { $0 } + ofAuxiliaries
    }

    /// The files of the Unix sockets.
    var boundFiles: [SocketFile] { socketFiles ?? socketPaths.compactMap { SocketFile(at: $0) } }

    // MARK: On its way

    /// Names the file's descriptor in the new program's environment.
    static let variable = "CLUSTER_UPGRADE"

    /// - Returns: a descriptor, which is the caller's to close.
    func written() throws(SystemError) -> Int32 {
        guard let bytes = try? WireEncoder(sizeLimit: 1 << 24).encode(self) else {
            throw SystemError(errno: EMSGSIZE, operation: "write down what the new master inherits")
        }
        return try systemCall("make a file in memory for the new master") {
            unsafe bytes.withUnsafeBytes { unsafe cposix_sealed_file($0.baseAddress, $0.count) }
        }
    }

    /// What this program inherits, if an older one started it to take its place.
    static func take() throws(ClusterError) -> UpgradeState? {
        guard let text = ServiceManager.variable(variable) else { return nil }
        unsafe unsetenv(variable)
        guard let descriptor = Int32(text), descriptor > 2 else { throw .badUpgrade("\(variable)=\(text) is no descriptor") }
        defer { close(descriptor) }
        let size = cposix_sealed_size(descriptor)
        guard (1...(1 << 24)).contains(size) else { throw .badUpgrade("descriptor \(descriptor) isn't from another master") }
        var bytes = [UInt8](repeating: 0, count: Int(size))
        let result = unsafe bytes.withUnsafeMutableBytes { unsafe cposix_read_whole(descriptor, $0.baseAddress, $0.count) }
        guard result == 0, let state = try? WireDecoder().decode(UpgradeState.self, from: bytes), state.version == version else {
            throw .badUpgrade("the running master is of a version that this one can't take over from; restart instead")
        }
        for descriptor in state.descriptors {
            do throws(SystemError) {
                try systemCall("take over descriptor \(descriptor)") { cposix_take_over(descriptor) }
            } catch {
                throw .badUpgrade(error.description)
            }
        }
        return state
    }

    /// - Throws: when the new program is to listen elsewhere, or has other auxiliaries.
    func check(against plan: ClusterPlan) throws(ClusterError) {
        guard plan.addresses.map(\.description) == addresses || !inherited.isEmpty else {
            throw .badUpgrade("other addresses to listen on need a restart")
        }
        let planned = plan.auxiliaries.filter { !$0.addresses.isEmpty }
        let left = auxiliaries.filter { !$0.addresses.isEmpty }
        guard planned.map(\.name) == left.map(\.name), planned.map({ $0.addresses.map(\.description) }) == left.map(\.addresses)
        else { throw .badUpgrade("another admin address, or other auxiliaries, need a restart") }
        guard controlPlace == nil || controlPlace == plan.control?.place.description ?? "off" else {
            throw .badUpgrade("another control socket needs a restart")
        }
    }

    /// What the old master leaves to an auxiliary.
    func auxiliary(_ name: String) -> Auxiliary? { (auxiliaries + (silentAuxiliaries ?? [])).first { $0.name == name } }
}
