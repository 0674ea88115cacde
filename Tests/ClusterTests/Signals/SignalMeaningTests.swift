// What signals from outside mean: orders to stop, and the loss of a terminal.

import Cluster
import Testing

private let second: UInt64 = 1_000_000_000

@Suite struct AnOrderToStop {
    @Test func isOneWhenItComesTwiceWithinHalfASecond() {
        var orders = StopOrders()
        #expect(orders.received(now: 5 * second) == .first)
        #expect(orders.received(now: 5 * second) == .repeated)
        #expect(orders.received(now: 5 * second + 499_999_999) == .repeated)
        #expect(orders.received(now: 5 * second + 500_000_000) == .again)
        #expect(orders.received(now: 60 * second) == .again)
    }
}

@Suite struct AHangup {
    @Test func reloadsAServiceWithoutATerminal() {
        var hangup = Hangup(hasTerminal: false, isIgnored: false)
        #expect(!hangup.watchesTerminal)
        for time in 1...3 as ClosedRange<UInt64> {
            #expect(hangup.received(isFromKernel: false, hasTerminal: false, now: time * second) == .reload)
        }
    }

    @Test func ofTheKernelsStops() {
        var hangup = Hangup(hasTerminal: true, isIgnored: false)
        #expect(hangup.received(isFromKernel: true, hasTerminal: false, now: second) == .stop)
    }

    @Test func stopsWhenTheTerminalHasJustGone() {
        var hangup = Hangup(hasTerminal: true, isIgnored: false)
        #expect(hangup.looked(hasTerminal: true, now: second) == nil)
        #expect(hangup.received(isFromKernel: false, hasTerminal: false, now: 2 * second) == .stop)
    }

    @Test func stopsWhenTheTerminalGoesRightAfterIt() {
        var hangup = Hangup(hasTerminal: true, isIgnored: false)
        #expect(hangup.received(isFromKernel: false, hasTerminal: true, now: 10 * second) == .reload)
        #expect(hangup.looked(hasTerminal: false, now: 11 * second) == .stop)
    }

    @Test func reloadsLongAfterTheTerminalHasGone() {
        var hangup = Hangup(hasTerminal: true, isIgnored: false)
        #expect(hangup.looked(hasTerminal: false, now: 10 * second) == nil)
        #expect(!hangup.watchesTerminal)
        #expect(hangup.received(isFromKernel: false, hasTerminal: false, now: 12 * second) == .reload)
    }

    @Test func longBeforeTheTerminalGoesIsForgotten() {
        var hangup = Hangup(hasTerminal: true, isIgnored: false)
        #expect(hangup.received(isFromKernel: false, hasTerminal: true, now: 10 * second) == .reload)
        #expect(hangup.looked(hasTerminal: true, now: 11 * second) == nil)
        #expect(hangup.looked(hasTerminal: false, now: 20 * second) == nil)
    }

    @Test func neverStopsUnderNohup() {
        var hangup = Hangup(hasTerminal: true, isIgnored: true)
        #expect(hangup.received(isFromKernel: true, hasTerminal: false, now: second) == nil)
        #expect(hangup.received(isFromKernel: false, hasTerminal: false, now: second) == .reload)
    }
}
