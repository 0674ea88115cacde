// What the service counts, as far as the cluster needs to know: one figure that grows with its work, and its words for all of them. The cluster
// itself knows neither requests nor responses of any protocol.
// Process: any · Thread: loop

package import EverycoreStatistics

package struct ServiceFigures {
    /// Grows by one with each piece of work that a worker has done: a worker that has done any is good, and one in which it grows gets on.
    let work: Counter
    /// The service's figures in a few words, for a line of status.
    let summary: (FigureSnapshot) -> String

    package init(work: Counter, summary: @escaping (FigureSnapshot) -> String) {
        self.work = work
        self.summary = summary
    }
}

extension WorkerFigures {
    /// How much work the worker has done, by what its service says of it; zero for a service that doesn't count.
    func work(of service: ServiceFigures?) -> UInt64 { service.map { self[$0.work] } ?? 0 }
}
