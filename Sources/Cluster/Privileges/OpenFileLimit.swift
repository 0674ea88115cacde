// How many descriptors a process may have: as many as it was given, and more only while it needs them. What a server raises for itself
// goes on to every program that its handlers start, and some of these visit each possible descriptor.
//
// A pure value, and the calls that it takes. Process: any · Thread: loop

internal import CEverycorePosix
internal import Glibc

package struct OpenFileLimit: Equatable {
    /// The soft limit that the program was started with.
    package let given: Int
    /// The hard limit.
    package let ceiling: Int
    package private(set) var current: Int

    package init(given: Int, ceiling: Int) {
        self.given = given
        self.ceiling = max(given, ceiling)
        current = given
    }

    /// From this descriptor on it is time to look.
    package var highWaterMark: Int { current == ceiling ? .max : current / 2 }

    /// Doubles it while half is in use, and halves it while an eighth is enough, down to what was given.
    /// - Parameter used: about how many descriptors there are: the lowest number that is free.
    /// - Returns: the new limit, where it changes.
    package mutating func adjust(toUse used: Int) -> Int? {
        var next = current
        while used >= next / 2, next < ceiling { next = next > ceiling / 2 ? ceiling : next * 2 }
        while used < next / 8, next > given { next = max(next / 2, given) }
        guard next != current else { return nil }
        current = next
        return next
    }
}

extension OpenFileLimit {
    /// Of this process, as it is before anything has changed it.
    static func ofThisProcess() -> OpenFileLimit {
        var (soft, hard) = (0, 0)
        guard unsafe cposix_open_file_limits(&soft, &hard) == 0 else { return OpenFileLimit(given: .max, ceiling: .max) }
        return OpenFileLimit(given: soft, ceiling: hard)
    }

    /// Makes room for what there is, and for `more`.
    mutating func follow(more: Int = 0) {
        let free = cposix_lowest_free_descriptor()
        let used = free < 0 ? current : Int(free)
        if let next = adjust(toUse: used.addingReportingOverflow(more).partialValue) { _ = cposix_limit_open_files(next) }
    }
}
