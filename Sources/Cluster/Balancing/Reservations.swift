// Finds connections that the table counts and no worker has: a worker that is killed between reserving a place at a sibling and sending it
// leaves the reservation behind, and so does one that came where the process had no descriptor to spare. A pure value of the worker.

package struct Reservations {
    /// The connections that the worker has.
    package var held = 0
    /// How many more the table said at the last look.
    private var lastSurplus = 0

    package init() {}

    /// - Returns: by how many too many the worker is reserved; negative for too few. What is in transit is reserved, too, but not for as
    ///   long as from one look to the next: only what was too much at both counts.
    package mutating func settle(reserved: Int) -> Int {
        let surplus = reserved - max(held, 0)
        let lasting =
            switch (surplus.signum(), lastSurplus.signum()) {
            case (1, 1): min(surplus, lastSurplus)
            case (-1, -1): max(surplus, lastSurplus)
            default: 0
            }
        lastSurplus = surplus - lasting
        return lasting
    }
}
