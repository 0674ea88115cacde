// The lines that a service writes of its work, and where they go: for the layer above, which knows what is in them.
// Process: master · Thread: before the loop

internal import CEverycorePosix
package import EverycoreLoop
internal import Glibc

/// Where lines go.
package enum LineTarget: Equatable, Sendable, CustomStringConvertible {
    /// The master's standard output.
    case standardOutput
    case file(path: String)

    package var description: String {
        switch self {
        case .standardOutput: "stdout"
        case .file(let path): path
        }
    }
}

/// What a plan wants of lines.
struct LinePlan {
    let target: LineTarget
    let file: OpenedLineFile
}

/// The file that was opened when its plan was made, so that a path that is wrong is an error before anything has changed. The plan's first
/// use takes it.
final class OpenedLineFile {
    private var descriptor: OwnedDescriptor?

    init(_ target: LineTarget) throws(SystemError) { descriptor = try Self.open(target) }

    func take() -> OwnedDescriptor? { descriptor.take() }

    /// Nil for the standard output.
    static func open(_ target: LineTarget) throws(SystemError) -> OwnedDescriptor? {
        guard case .file(let path) = target else { return nil }
        return OwnedDescriptor(try systemCall("open \(LogText.plain(path))") { unsafe cposix_open_log(path) })
    }
}

extension Cluster {
    /// Has the lines that workers leave in ``Worker/lines`` written by a process of its own.
    /// - Throws: when the file can't be opened.
    @discardableResult
    package func writesLines(to target: LineTarget) throws(SystemError) -> Cluster {
        plan.lines = LinePlan(target: target, file: try OpenedLineFile(target))
        return self
    }
}
