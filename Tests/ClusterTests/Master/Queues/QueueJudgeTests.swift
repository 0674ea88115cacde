// What is known of a queue of connections: whether something waits, and whether anything is taken.

import Cluster
import Testing

private let millisecond: UInt64 = 1_000_000

@Suite struct QueueJudgeTests {
    private let look = 20 * millisecond

    @Test func whatIsTakenNeedsNoLook() {
        var judge = QueueJudge()
        for taken in 1...500 as ClosedRange<UInt32> {
            #expect(!judge.needsLook(taken: taken))
            #expect(judge.looked(isWaiting: nil, taken: taken, elapsed: look) == .fine)
        }
        #expect(judge.needsLook(taken: 500))
    }

    @Test func whatWaitsForASecondIsUnattendedOncePerSecond() {
        var judge = QueueJudge()
        let verdicts = (0..<100).map { _ in judge.looked(isWaiting: true, taken: 0, elapsed: look) }
        #expect(verdicts.count { $0 == .unattended } == 2)
        #expect(verdicts[49] == .unattended)
        #expect(verdicts[..<49].allSatisfy { $0 == .waits })
    }

    @Test func aQueueThatIsSeenEmptyIsAttended() {
        var judge = QueueJudge()
        for turn in 0..<500 {
            let verdict = judge.looked(isWaiting: turn % 40 != 0, taken: 0, elapsed: look)
            #expect(verdict != .unattended)
        }
    }

    @Test func aQueueThatIsNeverEmptyIsUnattendedThoughOthersAreTaken() {
        var judge = QueueJudge()
        var unattended = 0
        for taken in 1...250 as ClosedRange<UInt32> {
            if judge.looked(isWaiting: taken % 25 == 0 ? true : nil, taken: taken, elapsed: look) == .unattended { unattended += 1 }
        }
        #expect(unattended == 0)
        for taken in 251...275 as ClosedRange<UInt32> {
            if judge.looked(isWaiting: taken % 25 == 0 ? true : nil, taken: taken, elapsed: look) == .unattended { unattended += 1 }
        }
        #expect(unattended == 1)
    }

    @Test func tenLooksAtNothingEndTheWatch() {
        var judge = QueueJudge()
        let verdicts = (0..<10).map { _ in judge.looked(isWaiting: false, taken: 0, elapsed: look) }
        #expect(verdicts == Array(repeating: .fine, count: 9) + [.quiet])
    }
}
