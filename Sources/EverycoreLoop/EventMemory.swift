// Memory for libevent's events, in blocks: alone, each would take an eighth more. A place that is free is used again; blocks stay for as
// long as the loop, as many as its most watches took.
// Process: any · Thread: loop

import CEverycoreLibevent

@safe final class EventMemory {
    typealias Place = UnsafeMutablePointer<CEverycoreLibevent.event>

    private static let blockCount = 32
    private var blocks: [Place] = unsafe []
    private var free: [Place] = unsafe []

    func take() -> Place {
        if unsafe free.isEmpty {
            let block = Place.allocate(capacity: Self.blockCount)
            unsafe blocks.append(block)
            // The first place last, so that it is taken first.
            for place in (0..<Self.blockCount).reversed() { unsafe free.append(block + place) }
        }
        let place = unsafe free.removeLast()
        unsafe place.initialize(to: CEverycoreLibevent.event())
        return unsafe place
    }

    func giveBack(_ place: Place) { unsafe free.append(place) }

    deinit {
        unsafe blocks.forEach { unsafe $0.deallocate() }
    }
}
