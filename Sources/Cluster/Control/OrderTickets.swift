// Which askers wait for the end of which order: a reload, an upgrade, a restart of all workers. A pure value.
// Process: master · Thread: loop

/// Askers of orders that wait, and of those that are being carried out.
package struct OrderTickets<Asker> {
    private var waiting: [Orders.Order: [Asker]] = [:]
    private var underWay: [Orders.Order: [Asker]] = [:]

    package init() {}

    /// An order of this kind is put off: so is its answer.
    package mutating func waits(_ asker: Asker, for order: Orders.Order) { waiting[order, default: []].append(asker) }

    /// An order begins: it is that of all who have waited for one of its kind, and of this asker.
    package mutating func begins(_ order: Orders.Order, for asker: Asker? = nil) {
        underWay[order, default: []] += (waiting.removeValue(forKey: order) ?? []) + (asker.map { [$0] } ?? [])
    }

    /// An order is over.
    /// - Returns: who is to be told.
    package mutating func ends(_ order: Orders.Order) -> [Asker] { underWay.removeValue(forKey: order) ?? [] }

    /// An order is another process's from here on, or can't be carried out any more.
    /// - Returns: who has waited for it to begin.
    package mutating func leaves(_ order: Orders.Order) -> [Asker] { waiting.removeValue(forKey: order) ?? [] }

    /// Nothing is carried out any more.
    package mutating func leaveAll() -> [Asker] {
        defer { (waiting, underWay) = ([:], [:]) }
        return Orders.Order.allCases.flatMap { (underWay[$0] ?? []) + (waiting[$0] ?? []) }
    }
}

/// How an order ended that replaces workers or the program.
enum OrderOutcome {
    /// - text: what happened, without the time.
    case done(String)
    case failed(String)
}

extension ControlAnswer {
    func end(_ outcome: OrderOutcome) {
        switch outcome {
        case .done(let text): done("\(text), \(elapsed)")
        case .failed(let reason): failed(reason)
        }
    }
}
