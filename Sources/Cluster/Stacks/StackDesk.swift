// The stacks of all workers now, for an operator who asks: each worker is interrupted wherever its loop is. All that ask before it is done get
// the same, and it is done once a second at most, however many ask.
// Process: master · Thread: loop

internal import EverycoreLoop
internal import EverycoreStatistics
internal import Logging

final class StackDesk {
    private let context: MasterContext
    private let pool: WorkerPool
    private let requests: RequestList
    let collector: StackCollector
    /// Each process that asks, with the number of its last question.
    private var asked: [Questions.Question] = []
    private var timer: LoopTimer?
    private var notBefore: UInt64 = 0
    private var isCollecting = false

    private static let interval: UInt64 = 1_000_000_000

    /// A worker's stack, as it is shown.
    private struct Entry {
        let child: Child
        let request: RunningRequest?
        /// Nil where it has not answered.
        var names: [String]?
    }

    init(_ context: MasterContext, pool: WorkerPool, requests: RequestList) {
        self.context = context
        self.pool = pool
        self.requests = requests
        collector = StackCollector(context, pool: pool)
    }

    func stop() {
        timer = nil
        asked = []
        collector.stop()
    }

    // MARK: Questions

    func add(_ number: UInt32, from child: Child) {
        if let index = asked.firstIndex(where: { $0.child === child }) { asked[index].number = number } else { asked.append((child, number)) }
        schedule()
    }

    private func schedule() {
        guard timer == nil, !isCollecting, !asked.isEmpty else { return }
        let delay = notBefore.subtractingDownToZero(EventLoop.monotonicNanoseconds())
        timer = context.loop.after(.nanoseconds(Int64(clamping: delay))) { [unowned self] in
            timer = nil
            answerAll()
        }
    }

    private func answerAll() {
        let asked = asked
        self.asked = []
        isCollecting = true
        notBefore = EventLoop.monotonicNanoseconds().addingUpToLimit(Self.interval)
        collect { [unowned self] entries in
            isCollecting = false
            send(Array(Self.json(entries).utf8), to: asked.filter { $0.child.channel.isOpen })
            schedule()
        }
    }

    private func send(_ page: [UInt8], to asked: [Questions.Question]) {
        do {
            let file = try SealedFile(page.span)
            for (child, number) in asked {
                try? child.channel.send(control: Packet(.stacks, number: number, and: Packet.bytes(of: UInt32(clamping: file.byteCount))), with: file)
            }
        } catch {
            context.log(.warning, .figuresNotSent, "could not send stacks", ["reason": "\(error)"])
        }
    }

    // MARK: Stacks

    private func collect(_ done: @escaping ([Entry]) -> Void) {
        let children = pool.children.values.filter(\.servesRequests).sorted { ($0.role.slot, $0.generation) < ($1.role.slot, $1.generation) }
        let now = EventLoop.monotonicNanoseconds()
        var entries = children.map { child in Entry(child: child, request: requests.running(of: child, now: now)) }
        var rest = entries.count
        guard rest > 0 else { return done([]) }
        for (index, child) in children.enumerated() {
            collector.ask(child, isTrimmed: false) { names in
                entries[index].names = names
                rest -= 1
                if rest == 0 { done(entries) }
            }
        }
    }

    private static func json(_ entries: [Entry]) -> String {
        JSONWriter.object { page in
            page.array("stacks", of: entries) { member, entry in
                member.member("worker", entry.child.role.slot)
                member.member("generation", entry.child.generation)
                member.member("pid", Int(entry.child.pid))
                member.member("state", entry.names == nil ? "no answer" : entry.request == nil ? "idle" : "running")
                if let request = entry.request {
                    member.member("method", request.method)
                    member.member("target", request.target)
                    member.member("route", request.route)
                    member.member("age_seconds", seconds: request.ageNanoseconds)
                }
                member.member("stack", entry.names ?? [])
            }
        }
    }
}
