// The requests of a conversation that have no reply yet, on the side that asks and on the one that is asked.
// Process: any · Thread: loop

internal import EverycoreLoop

/// The requests of one end that have no reply yet.
struct PendingRequests {
    private struct Pending {
        let timer: LoopTimer
        let finish: (Result<WireInput, RequestError>) -> Void
    }

    private var pending: [UInt64: Pending] = [:]
    private var last: UInt64 = 0

    mutating func next() -> UInt64 {
        last &+= 1
        return last
    }

    mutating func add(_ number: UInt64, _ timer: LoopTimer, _ finish: @escaping (Result<WireInput, RequestError>) -> Void) {
        pending[number] = Pending(timer: timer, finish: finish)
    }

    func contains(_ number: UInt64) -> Bool { pending[number] != nil }

    mutating func take(_ number: UInt64) -> ((Result<WireInput, RequestError>) -> Void)? {
        guard let request = pending.removeValue(forKey: number) else { return nil }
        request.timer.cancel()
        return request.finish
    }

    mutating func takeAll() -> [(Result<WireInput, RequestError>) -> Void] {
        let all = pending.sorted { $0.key < $1.key }.map(\.value)
        pending = [:]
        for request in all { request.timer.cancel() }
        return all.map(\.finish)
    }
}

/// Requests of the other side whose handlers have not answered yet: a side that asks without end must not fill this one's memory.
final class UnansweredRequests {
    fileprivate(set) var count = 0

    /// Held by what may still answer.
    final class Place {
        private var requests: UnansweredRequests?

        fileprivate init(_ requests: UnansweredRequests) {
            self.requests = requests
            requests.count += 1
        }

        func leave() {
            requests?.count -= 1
            requests = nil
        }

        deinit { leave() }
    }

    func take() -> Place { Place(self) }
}
