// Asks workers for their stacks, and has these named. A worker answers in its signal handler, from wherever its loop is; one that is
// stopped, or gets no CPU, doesn't answer in time.
// Process: master · Thread: loop

internal import CEverycorePosix
internal import EverycoreLoop
internal import Glibc

final class StackCollector {
    private struct Question {
        let child: Child
        let number: UInt32
        let isTrimmed: Bool
        let deadline: UInt64
        let done: ([String]?) -> Void
    }

    private let naming: StackNaming
    private let context: MasterContext
    private let pool: WorkerPool
    private var questions: [Question] = []
    private var lastNumber: UInt32 = 0
    private var timer: LoopTimer?

    private static let patience: UInt64 = 1_000_000_000
    private static let interval = Duration.milliseconds(5)

    init(_ context: MasterContext, pool: WorkerPool) {
        self.context = context
        self.pool = pool
        naming = StackNaming(context, pool: pool)
    }

    func stop() {
        timer = nil
        questions = []
        naming.stop()
    }

    /// - Parameters:
    ///   - isTrimmed: without what has called the program's own code.
    ///   - done: gets the functions, the innermost first; nil where the worker doesn't answer. Called later.
    func ask(_ child: Child, isTrimmed: Bool, _ done: @escaping ([String]?) -> Void) {
        lastNumber = lastNumber == .max ? 1 : lastNumber + 1
        let isAsked = Self.handlesSignal(child.pid) && cposix_ask_for_stack(child.pid, lastNumber) == 0
        let now = EventLoop.monotonicNanoseconds()
        questions.append(
            Question(child: child, number: lastNumber, isTrimmed: isTrimmed, deadline: isAsked ? now &+ Self.patience : now, done: done))
        if timer == nil { timer = context.loop.every(Self.interval) { [unowned self] in look() } }
    }

    /// A process that has executed another program would be ended by the signal.
    private static func handlesSignal(_ pid: Int32) -> Bool {
        guard let status = readSmallFile("/proc/\(pid)/status") else { return false }
        return CaughtSignals.hold(cposix_stack_signal(), inStatus: status)
    }

    private func look() {
        let now = EventLoop.monotonicNanoseconds()
        var rest: [Question] = []
        var answered: [(Question, [UInt64]?)] = []
        for question in questions {
            // The page of one that was reaped is another's.
            let isThere = pool.children[question.child.pid] === question.child
            if isThere, let frames = question.child.page.stack.frames(answering: question.number) {
                answered.append((question, frames))
            } else if isThere, now < question.deadline {
                rest.append(question)
            } else {
                answered.append((question, nil))
            }
        }
        questions = rest
        if rest.isEmpty { timer = nil }
        for (question, frames) in answered {
            guard let frames else {
                question.done(nil)
                continue
            }
            naming.name(StackRequest(pid: question.child.pid, frames: frames, isTrimmed: question.isTrimmed)) { names in
                question.done(names ?? frames.map { "0x" + String($0 & ~(1 << 63), radix: 16) })
            }
        }
    }
}

package enum CaughtSignals {
    /// Whether a process has a handler for the signal.
    /// - Parameter text: of /proc/PID/status (proc_pid_status(5)).
    package static func hold(_ signal: Int32, inStatus text: String) -> Bool {
        guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix("SigCgt:") }), (1...64).contains(signal),
            let mask = UInt64(line.dropFirst(7).filter { !$0.isWhitespace }, radix: 16)
        else { return false }
        return mask >> UInt64(signal - 1) & 1 == 1
    }
}
