// Orders and evidence as pure values: what waits for what, and what deaths say about a plan. Reloads themselves: RolloutTests.swift.

import Cluster
import Testing

@Suite struct ProbationTests {
    private func probation(answered: Set<UInt64> = [7], deadly: Set<UInt64> = []) -> Probation {
        Probation(answered: answered, hasAnswered: true, deadly: deadly)
    }

    @Test func newWorkersThatDieWhereTheOldOnesAnsweredFail() {
        var probation = probation()
        #expect([7, 7].map { probation.died(in: $0) } == [false, true])
    }

    @Test func aRequestThatKillsOldAndNewAlikeProvesNothing() {
        var probation = probation(deadly: [7])
        #expect([7, 7, 8, 8].allSatisfy { !probation.died(in: $0) })
    }

    @Test func whereEndpointsAreUnknownTheOldOnesMustNotHaveDiedInRequestsAtAll() {
        func deaths(_ endpoint: UInt64, _ probation: Probation) -> [Bool] {
            var probation = probation
            return (0..<2).map { _ in probation.died(in: endpoint) }
        }
        #expect(deaths(0, probation()) == [false, true])
        #expect(deaths(0, probation(deadly: [9])) == [false, false])
        #expect(deaths(7, Probation(hasAnswered: true, deadly: [])) == [false, true])
        #expect(deaths(7, Probation(hasAnswered: true, deadly: [9])) == [false, false])
        #expect(deaths(7, Probation(hasAnswered: false, deadly: [])) == [false, false])
    }

    @Test func aPlanWhoseWorkersAnswerStands() {
        var probation = probation()
        probation.answered()
        #expect((0..<100).allSatisfy { _ in !probation.died(in: 7) })
    }

    @Test func deathsAreRememberedForAMinute() {
        var deadly = DeadlyEndpoints()
        for endpoint in 0..<1000 as Range<UInt64> { deadly.died(in: endpoint, now: 0) }
        #expect([59_000_000_000, 60_000_000_000].map { deadly.all(now: $0).count } == [256, 0])
    }
}

@Suite struct OrdersTests {
    @Test func eachIsCarriedOutAtOnceWhereNothingIsUnderWay() {
        var orders = Orders()
        #expect(Orders.Order.allCases.map { orders.receive($0, during: .serving) } == [.carryOut, .carryOut, .carryOut])
        #expect(orders.waiting.isEmpty)
    }

    @Test(arguments: [Orders.Activity.reloading, .upgrading, .takingOver])
    func neitherIsLostWhileAnotherIsUnderWay(_ activity: Orders.Activity) {
        var orders = Orders()
        for order in [Orders.Order.reload, .reload, .upgrade] { #expect([order].map { orders.receive($0, during: activity) } == [.wait]) }
        #expect([activity].map { orders.next(during: $0) } == [nil])
        // What reads everything anew comes first, and the other one is still there when it fails.
        let served = (0..<3).map { _ in orders.next(during: .serving) }
        #expect(served == [.upgrade, .reload, nil])
    }

    @Test func whatCameDuringAnUpgradeGoesToTheNewMaster() {
        var orders = Orders()
        _ = orders.receive(.reload, during: .upgrading)
        #expect((0..<2).map { _ in orders.takeAll() } == [[.reload], []])
        #expect([Orders.Order.reload, .upgrade].map { orders.receive($0, during: .handingOver) } == [.passOn, .passOn])
    }

    @Test func aMasterThatStillReceivesReloadsAndUpgradesLater() {
        var orders = Orders()
        #expect([Orders.Order.reload, .upgrade].map { orders.receive($0, during: .receiving) } == [.carryOut, .wait])
        #expect([Orders.Activity.receiving, .serving].map { orders.next(during: $0) } == [nil, .upgrade])
    }

    @Test func aRestartWaitsLikeAReloadAndComesLast() {
        var orders = Orders()
        #expect([Orders.Activity.reloading, .upgrading].map { orders.receive(.restart, during: $0) } == [.wait, .wait])
        _ = orders.receive(.reload, during: .reloading)
        #expect((0..<3).map { _ in orders.next(during: .serving) } == [.reload, .restart, nil])
        #expect([Orders.Activity.receiving, .handingOver, .stopping].map { orders.receive(.restart, during: $0) } == [.carryOut, .refuse, .refuse])
    }

    @Test func aStopRefusesBoth() {
        var orders = Orders()
        #expect([Orders.Order.reload, .upgrade].map { orders.receive($0, during: .stopping) } == [.refuse, .refuse])
        #expect(orders.waiting.isEmpty)
    }
}
