// Children's questions for what the master has of all processes. All that ask before it is taken get the same, and it is taken at a bounded
// pace: no number of questions makes more work.
// Process: master · Thread: loop

internal import EverycoreLoop

final class Questions {
    typealias Question = (child: Child, number: UInt32)

    private let loop: EventLoop
    /// Sends what was asked for. A child whose channel has ended is not among those that asked.
    private let answer: ([Question]) -> Void
    /// Each process that asks, with the number of its last question: the answer to that one answers those before it.
    private var asked: [Question] = []
    private var timer: LoopTimer?
    private var pace = FiguresPace()
    /// Called before each answer.
    var willAnswer: () -> Void = {}

    init(_ loop: EventLoop, answer: @escaping ([Question]) -> Void) {
        self.loop = loop
        self.answer = answer
    }

    func add(_ number: UInt32, from child: Child) {
        if let index = asked.firstIndex(where: { $0.child === child }) { asked[index].number = number } else { asked.append((child, number)) }
        guard timer == nil else { return }
        timer = loop.after(pace.delay(now: EventLoop.monotonicNanoseconds())) { [unowned self] in
            timer = nil
            answerAll()
        }
    }

    func stop() {
        timer = nil
        asked = []
    }

    private func answerAll() {
        let asked = asked
        self.asked = []
        willAnswer()
        let begun = EventLoop.monotonicNanoseconds()
        answer(asked.filter { $0.child.channel.isOpen })
        pace.took(from: begun, to: EventLoop.monotonicNanoseconds())
    }
}
