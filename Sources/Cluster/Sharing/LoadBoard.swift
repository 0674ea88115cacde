// How many connections each worker has, where all workers can see it: what decides who gets the next one.
// In memory that master and workers share; made by the master before the first fork. Every word is changed atomically.
//
//   word 0        how many entries are in use: those behind are nobody's
//   then, for each process' shared page (SharedPages.swift), an entry of two words:
//     load        connections that it has or is about to get; the highest bit says that it takes none
//     slot        where to send one

internal import CEverycorePosix

/// A view: copying it copies the pointer.
@safe
package struct LoadBoard {
    private let words: UnsafeMutablePointer<UInt32>
    private let capacity: Int

    private static let closed: UInt32 = 1 << 31
    private static let headerCount = 2

    /// Bytes for so many entries.
    package static func byteCount(entries: Int) -> Int { (headerCount + entries * 2) * 4 }

    /// - Parameter memory: `byteCount` zeroed bytes, aligned to 4, that outlive every copy of this view.
    package init(at memory: UnsafeMutableRawPointer, entries: Int) {
        unsafe words = memory.bindMemory(to: UInt32.self, capacity: Self.headerCount + entries * 2)
        capacity = entries
    }

    private func load(_ entry: Int) -> UnsafeMutablePointer<UInt32> { unsafe words + (Self.headerCount + entry * 2) }

    private var usedCount: Int { unsafe min(Int(cposix_load32(words)), capacity) }

    private func isValid(_ entry: Int) -> Bool { (0..<capacity).contains(entry) }

    // MARK: The master

    /// Runs in the master, for a process that is about to be forked: it has nothing, and takes nothing yet.
    package func begin(_ entry: Int, slot: Int) {
        guard isValid(entry) else { return }
        unsafe cposix_store32(load(entry), Self.closed)
        unsafe cposix_store32(load(entry) + 1, UInt32(clamping: slot))
        if entry >= usedCount { unsafe cposix_store32(words, UInt32(clamping: entry + 1)) }
    }

    /// Nobody sends the process anything from here on.
    package func close(_ entry: Int) { change(entry) { $0 | Self.closed } }

    /// The process takes what it is sent.
    package func open(_ entry: Int) { change(entry) { $0 & ~Self.closed } }

    package func connections(of entry: Int) -> Int {
        isValid(entry) ? unsafe Int(cposix_load32(load(entry)) & ~Self.closed) : 0
    }

    // MARK: The workers

    /// Books a connection that the process `own` has just accepted: for itself, unless it has more than its share.
    ///
    /// - Parameter slack: how many more than the emptiest it may have, beside the one that must be allowed.
    /// - Returns: nil when it is its own, else who gets it.
    package func place(own: Int, slack: UInt32) -> Place? {
        guard isValid(own) else { return nil }
        while true {
            let mine = unsafe cposix_load32(load(own))
            // A process that takes nothing from others keeps what it accepts.
            let emptiest = mine & Self.closed == 0 ? emptiest(except: own) : nil
            if let emptiest, mine &- min(slack, mine) > emptiest.load {
                if let place = reserve(emptiest) { return place }
            } else if unsafe cposix_exchange32(load(own), mine, mine &+ 1) != 0 {
                return nil
            }
        }
    }

    /// Books a connection for the emptiest process but `own`. Nil when none takes any.
    package func placeElsewhere(own: Int) -> Place? {
        while let emptiest = emptiest(except: own) {
            if let place = reserve(emptiest) { return place }
        }
        return nil
    }

    /// How many connections `own` would have to give to the emptiest process for both to have equally many; 0 where that is no more
    /// than `slack` and the one that must be allowed.
    package func excess(own: Int, slack: UInt32) -> Int {
        guard isValid(own), let emptiest = emptiest(except: own) else { return 0 }
        let mine = unsafe cposix_load32(load(own))
        guard mine & Self.closed == 0, mine &- min(slack, mine) > emptiest.load &+ 1 else { return 0 }
        return Int((mine &- emptiest.load) / 2)
    }

    /// Books a connection that `own` has for the emptiest process, if that one has fewer by two or more.
    package func placeExcess(own: Int) -> Place? {
        guard isValid(own) else { return nil }
        while let emptiest = emptiest(except: own) {
            guard unsafe cposix_load32(load(own)) & ~Self.closed > emptiest.load &+ 1 else { return nil }
            if let place = reserve(emptiest) { return place }
        }
        return nil
    }

    /// One connection more.
    package func add(_ entry: Int) { change(entry) { $0 & ~Self.closed == ~Self.closed ? $0 : $0 &+ 1 } }

    /// One connection fewer.
    package func subtract(_ entry: Int) { change(entry) { $0 & ~Self.closed == 0 ? $0 : $0 &- 1 } }

    /// Who gets a connection.
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
            let load = unsafe cposix_load32(load(entry))
            if load & Self.closed == 0, load < best?.load ?? .max { best = (entry, load) }
        }
        return best
    }

    /// Fails when the entry has changed meanwhile.
    private func reserve(_ seen: (entry: Int, load: UInt32)) -> Place? {
        guard unsafe cposix_exchange32(load(seen.entry), seen.load, seen.load &+ 1) != 0 else { return nil }
        return Place(entry: seen.entry, slot: unsafe Int(cposix_load32(load(seen.entry) + 1)))
    }

    private func change(_ entry: Int, _ body: (UInt32) -> UInt32) {
        guard isValid(entry) else { return }
        while true {
            let seen = unsafe cposix_load32(load(entry))
            if unsafe cposix_exchange32(load(entry), seen, body(seen)) != 0 { return }
        }
    }
}
