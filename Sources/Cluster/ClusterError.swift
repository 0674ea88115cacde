// Why a cluster could not start or could not go on. Thrown by `Cluster.run` in the master.

public import EverycoreLoop
internal import Glibc

/// Why a cluster did not run, or ended against its will.
public enum ClusterError: Error, CustomStringConvertible {
    /// Another program listens there, perhaps with `SO_REUSEPORT` too.
    case portTaken(ListenAddress)
    /// The address can't be listened on for another reason: no such address here, no permission, a path that exists.
    case cannotListen(ListenAddress, SystemError)
    /// A socket that the service manager handed over is none that a stream service can use.
    case badInheritedSocket(descriptor: Int32, SystemError)
    /// `user` or `group` can't be what the workers run as; `setting` is the one of the two.
    case badCredentials(setting: String, reason: String)
    /// Fewer than 1 or more than 1024 workers.
    case badWorkerCount(Int)
    /// The master has a second thread, so it can't fork: the child would have a copy of that thread's locks and memory
    /// in whatever state they were, and not the thread.
    case severalThreads(names: [String])
    /// What the running master left for this program, which was started to take its place, can't be used.
    case badUpgrade(String)
    /// A system call that the master can't do without.
    case system(SystemError)
    /// No worker could be kept alive. The last ends, newest last.
    case workersKeepDying([WorkerExit])

    /// What the program should exit with: 69 when it can't listen, 78 for an impossible setting, else 70 (sysexits.h).
    public var exitStatus: Int32 {
        switch self {
        case .portTaken, .cannotListen: 69
        case .badWorkerCount, .badInheritedSocket, .badCredentials: 78
        case .severalThreads, .badUpgrade, .system, .workersKeepDying: 70
        }
    }

    public var description: String {
        switch self {
        case .portTaken(let address):
            switch address {
            case .tcp(_, let port): "port \(port) is taken by another program (\(address)); choose another or stop it"
            case .unix(let path): "another program listens on \(path); choose another path or stop it"
            }
        case .cannotListen(let address, let error):
            "can't listen on \(address): \(error)\(Self.advice(on: error, at: address))"
        case .badInheritedSocket(let descriptor, let error):
            "descriptor \(descriptor), which the service manager handed over, is no TCP or Unix socket that listens: \(error)"
        case .badCredentials(let setting, let reason):
            "\(setting): \(reason)"
        case .badWorkerCount(let count):
            "\(count) workers are not possible; from 1 to 1024 are"
        case .severalThreads(let names):
            "the master has \(names.count) threads (\(names.joined(separator: ", "))) and can't fork: something started "
                + "one before the workers were (Dispatch, Task, Foundation's URLSession, a library); start it in the worker"
        case .badUpgrade(let reason):
            "can't take over from the running master: \(reason)"
        case .system(let error):
            "\(error)\(Self.advice(on: error))"
        case .workersKeepDying(let exits):
            "no worker could be kept alive; the last ends:" + exits.suffix(10).map { "\n  \($0)" }.joined()
        }
    }

    /// What to do, where that is known.
    private static func advice(on error: SystemError, at address: ListenAddress? = nil) -> String {
        switch (error.errno, address) {
        case (EMFILE, _): "; raise the limit of open files (ulimit -n, LimitNOFILE=)"
        case (EACCES, .tcp(_, 1..<1024)): "; ports below 1024 need root or CAP_NET_BIND_SERVICE"
        case (EADDRNOTAVAIL, .tcp): "; no interface of this machine has the address"
        case (EEXIST, .unix): "; what is there is no socket: remove it or choose another path"
        default: ""
        }
    }
}
