// The load table: how many connections each worker has, where all workers can see it. It decides which worker gets the next one.
// In memory that master and workers share; made by the master before the first fork. Every word is changed atomically.
// Process: any · Thread: loop
//
//   word 0        how many entries are in use: those behind belong to no process
//   then, for each process' shared page (SharedPages.swift), an entry of eight words:
//     load        connections that it has or is about to get; the two highest bits say that it takes none
//     slot        where to send one
//     accepted    connections that it has accepted, modulo 2³²
//     arrived     connections that it has received from siblings, modulo 2³²
//     pause       why it accepts none at present
//
// Any worker can write anything here at any moment. So nothing that is read bounds a loop, and every attempt to change a word that
// others change ends after a fixed number of tries.

internal import CEverycorePosix

/// A view: copying it copies the pointer.
@safe
package struct LoadTable {
    private let words: UnsafeMutablePointer<UInt32>
    private let capacity: Int
    private let isHeld: (_ entry: Int) -> Bool

    /// The master says that the process takes none.
    private static let closed: UInt32 = 1 << 31
    /// The process itself says so.
    private static let full: UInt32 = 1 << 30
    private static let countMask: UInt32 = full - 1
    private static let headerCount = 8
    private static let entryCount = 8
    /// Tries to change a word while others change it. In the tens only where a process writes without pause.
    private static let tries = 64

    /// Bytes for so many entries.
    package static func byteCount(entries: Int) -> Int { (headerCount + entries * entryCount) * 4 }

    /// - Parameters:
    ///   - memory: `byteCount` zeroed bytes, aligned to 4, that outlive every copy of this view.
    ///   - isHeld: whether a handler has held the process' loop for some time now: then it is given nothing.
    package init(at memory: UnsafeMutableRawPointer, entries: Int, isHeld: @escaping (_ entry: Int) -> Bool = { _ in false }) {
        unsafe words = memory.bindMemory(to: UInt32.self, capacity: Self.headerCount + entries * Self.entryCount)
        capacity = entries
        self.isHeld = isHeld
    }

    private func word(_ entry: Int, _ index: Int) -> UnsafeMutablePointer<UInt32> {
        unsafe words + (Self.headerCount + entry * Self.entryCount + index)
    }

    private func load(_ entry: Int) -> UInt32 { unsafe cposix_load32(word(entry, 0)) }

    private func exchange(_ entry: Int, _ seen: UInt32, _ value: UInt32) -> Bool {
        unsafe cposix_exchange32(word(entry, 0), seen, value) != 0
    }

    private var usedCount: Int { unsafe min(Int(cposix_load32(words)), capacity) }

    private func isValid(_ entry: Int) -> Bool { (0..<capacity).contains(entry) }

    private func takesNone(_ load: UInt32) -> Bool { load & (Self.closed | Self.full) != 0 }

    // MARK: The master

    /// Runs in the master, for a process that is about to be forked: it has nothing, and takes nothing yet.
    package func begin(_ entry: Int, slot: Int) {
        guard isValid(entry) else { return }
        unsafe cposix_store32(word(entry, 0), Self.closed)
        unsafe cposix_store32(word(entry, 1), UInt32(clamping: slot))
        for index in 2..<Self.entryCount { unsafe cposix_store32(word(entry, index), 0) }
        if entry >= usedCount { unsafe cposix_store32(words, UInt32(clamping: entry + 1)) }
    }

    /// No sibling sends the process anything from here on.
    package func close(_ entry: Int) { change(entry) { $0 | Self.closed } }

    /// The process takes what it is sent.
    package func open(_ entry: Int) { change(entry) { $0 & ~Self.closed } }

    package func connections(of entry: Int) -> Int { isValid(entry) ? Int(load(entry) & Self.countMask) : 0 }

    /// Connections that the process has accepted; wraps around.
    package func accepted(_ entry: Int) -> UInt32 { isValid(entry) ? unsafe cposix_load32(word(entry, 2)) : 0 }

    /// Connections that it has received from siblings; wraps around.
    package func arrived(_ entry: Int) -> UInt32 { isValid(entry) ? unsafe cposix_load32(word(entry, 3)) : 0 }

    /// Connections that it has taken, from wherever; wraps around.
    package func taken(_ entry: Int) -> UInt32 { accepted(entry) &+ arrived(entry) }

    package func pause(of entry: Int) -> AcceptingPause? {
        isValid(entry) ? AcceptingPause(rawValue: unsafe cposix_load32(word(entry, 4))) : nil
    }

    // MARK: The workers

    /// The process has accepted a connection. Only the process itself calls it.
    package func noteAccepted(_ entry: Int) {
        guard isValid(entry) else { return }
        unsafe cposix_store32(word(entry, 2), cposix_load32(word(entry, 2)) &+ 1)
        if unsafe cposix_load32(word(entry, 4)) != 0 { unsafe cposix_store32(word(entry, 4), 0) }
    }

    package func noteArrived(_ entry: Int) {
        guard isValid(entry) else { return }
        unsafe cposix_store32(word(entry, 3), cposix_load32(word(entry, 3)) &+ 1)
    }

    /// The process leaves what waits where it is, for this reason, until it accepts again.
    package func notePause(_ entry: Int, _ pause: AcceptingPause) {
        if isValid(entry) { unsafe cposix_store32(word(entry, 4), pause.rawValue) }
    }

    /// The process says itself whether it takes what siblings send.
    package func setFull(_ entry: Int, _ isFull: Bool) { change(entry) { isFull ? $0 | Self.full : $0 & ~Self.full } }

    /// Reserves a connection that the process `own` has just accepted: for itself, unless it has more than its share.
    ///
    /// - Parameter slack: how many more than the emptiest it may have, beside the one that must be allowed.
    /// - Returns: nil when it is its own, else who gets it.
    package func place(own: Int, slack: UInt32) -> Place? {
        guard isValid(own) else { return nil }
        for _ in 0..<Self.tries {
            let mine = load(own)
            // A process that takes nothing from others keeps what it accepts.
            let emptiest = takesNone(mine) ? nil : emptiest(except: own)
            if let emptiest, mine &- min(slack, mine) > emptiest.load {
                if let place = reserve(emptiest) { return place }
            } else if mine & Self.countMask == Self.countMask || exchange(own, mine, mine &+ 1) {
                return nil
            }
        }
        return nil
    }

    /// Reserves a connection for the emptiest process but `own`. Nil when none takes any.
    package func placeElsewhere(own: Int) -> Place? {
        for _ in 0..<Self.tries {
            guard let emptiest = emptiest(except: own) else { return nil }
            if let place = reserve(emptiest) { return place }
        }
        return nil
    }

    /// How many connections `own` would have to give to the emptiest process for both to have equally many; 0 where that is no more
    /// than `slack` and the one that must be allowed.
    package func excess(own: Int, slack: UInt32) -> Int {
        guard isValid(own), let emptiest = emptiest(except: own) else { return 0 }
        let mine = load(own)
        guard !takesNone(mine), mine &- min(slack, mine) > emptiest.load &+ 1 else { return 0 }
        return Int((mine &- emptiest.load) / 2)
    }

    /// Reserves a connection that `own` has for the emptiest process, if that one has fewer by two or more.
    package func placeExcess(own: Int) -> Place? {
        guard isValid(own) else { return nil }
        for _ in 0..<Self.tries {
            guard let emptiest = emptiest(except: own), load(own) & Self.countMask > emptiest.load &+ 1 else { return nil }
            if let place = reserve(emptiest) { return place }
        }
        return nil
    }

    /// More connections, or fewer for a negative count.
    package func add(_ entry: Int, _ count: Int = 1) {
        change(entry) { word in
            let sum = Int(word & Self.countMask).addingReportingOverflow(count)
            let bounded = sum.overflow ? (count > 0 ? Int(Self.countMask) : 0) : min(max(sum.partialValue, 0), Int(Self.countMask))
            return word & ~Self.countMask | UInt32(truncatingIfNeeded: bounded)
        }
    }

    /// One connection fewer.
    package func subtract(_ entry: Int) { add(entry, -1) }

    /// Which process gets a connection.
    package struct Place: Equatable {
        package let entry: Int
        package let slot: Int

        package init(entry: Int, slot: Int) {
            self.entry = entry
            self.slot = slot
        }
    }

    private func emptiest(except own: Int) -> (entry: Int, load: UInt32)? {
        var best: (entry: Int, load: UInt32)?
        for entry in 0..<usedCount where entry != own {
            let load = load(entry)
            if !takesNone(load), load < best?.load ?? .max, !isHeld(entry) { best = (entry, load) }
        }
        return best
    }

    /// Fails when the entry has changed meanwhile.
    private func reserve(_ seen: (entry: Int, load: UInt32)) -> Place? {
        guard seen.load & Self.countMask < Self.countMask, exchange(seen.entry, seen.load, seen.load &+ 1) else { return nil }
        return Place(entry: seen.entry, slot: unsafe Int(cposix_load32(word(seen.entry, 1))))
    }

    private func change(_ entry: Int, _ body: (UInt32) -> UInt32) {
        guard isValid(entry) else { return }
        for _ in 0..<Self.tries {
            let seen = load(entry)
            if exchange(entry, seen, body(seen)) { return }
        }
        // A process writes it without pause. What is stored here may be lost again, which the next settlement of the count puts right.
        unsafe cposix_store32(word(entry, 0), body(load(entry)))
    }
}

/// Why a worker leaves connections in its queues for others, or for later.
public enum AcceptingPause: UInt32, Sendable {
    /// It has as many as it may have.
    case connectionLimit = 1
    /// Its process has no free descriptor.
    case noDescriptors = 2
}
