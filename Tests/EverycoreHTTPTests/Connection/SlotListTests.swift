// The list from which the connection to evict is taken, against a plain array that does the same slowly.

import EverycoreHTTP
import TestSupport
import Testing

@Suite struct SlotListTests {
    @Test func isInTheOrderInWhichItsSlotsWereLastAppended() {
        var random = SeededGenerator.printingSeed(77)
        let list = SlotList()
        var model: [Int] = []
        for _ in 0..<20_000 {
            let slot = Int.random(in: 0..<40, using: &random)
            switch Int.random(in: 0..<4, using: &random) {
            case 0:
                list.remove(slot)
                model.removeAll { $0 == slot }
            case 1:
                if let first = list.first { list.remove(first) }
                if !model.isEmpty { model.removeFirst() }
            default:
                list.append(slot)
                model.removeAll { $0 == slot }
                model.append(slot)
            }
            if list.first != model.first { Issue.record("\(String(describing: list.first)) instead of \(model)") }
        }
        var rest: [Int] = []
        while let slot = list.first {
            rest.append(slot)
            list.remove(slot)
        }
        #expect(rest == model)
    }

    @Test func ignoresSlotsThatCantBe() {
        let list = SlotList()
        list.append(-1)
        list.remove(5)
        #expect(list.first == nil)
    }
}
