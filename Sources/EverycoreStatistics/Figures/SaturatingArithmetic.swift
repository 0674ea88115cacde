// Sums and differences that stop at the ends of the range. Figures come from workers, so no sum of them may trap,
// and none may wrap: a total that wrapped would have gone down.
// Used by the master and the admin worker; a worker's own counters are far from the limit.
// Process: any · Thread: loop

extension UInt64 {
    package func addingUpToLimit(_ other: UInt64) -> UInt64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? .max : sum
    }

    package func subtractingDownToZero(_ other: UInt64) -> UInt64 {
        self < other ? 0 : self &- other
    }
}
