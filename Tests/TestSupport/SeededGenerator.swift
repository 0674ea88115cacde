// A random generator that repeats itself for a seed (SplitMix64, Steele et al. 2014), so that a failure can be run again.

import Glibc

package struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    package init(seed: UInt64) {
        state = seed
    }

    /// The generator of a test: prints its seed. `EVERYCORE_TEST_SEED` in the environment takes another one for every test.
    package static func printingSeed(_ standard: UInt64, _ test: String = #function) -> SeededGenerator {
        let given = unsafe getenv("EVERYCORE_TEST_SEED").flatMap { unsafe UInt64(String(cString: $0)) }
        let seed = given ?? standard
        print("\(test): seed \(seed)")
        return SeededGenerator(seed: seed)
    }

    package mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
