// What every target needs: the fuzzer's bytes as exact heap blocks, decisions that follow from the bytes alone, and a check
// that ends the process, which the fuzzer reports together with the input.
// Compiled into each fuzz program; never part of the server.

/// The fuzzer's bytes for one execution. Its block is exactly as long as they are, so that the sanitizer sees a read beyond.
@safe struct FuzzInput {
    let bytes: UnsafeRawBufferPointer

    init(_ start: UnsafePointer<UInt8>, _ count: Int) {
        unsafe bytes = UnsafeRawBufferPointer(start: start, count: count)
    }

    var count: Int { unsafe bytes.count }
    var array: [UInt8] { unsafe Array(bytes) }

    /// A number that any change of the bytes changes: what decides where they are split. FNV-1a.
    var fingerprint: UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for index in 0..<count { unsafe hash = (hash ^ UInt64(bytes[index])) &* 0x0000_0100_0000_01b3 }
        return hash
    }

    /// Up to three places, ascending, at which the bytes are cut; the last one is their end.
    var cuts: [Int] {
        var random = Decisions(state: fingerprint)
        let places = (0..<random.below(4)).map { _ in random.below(count + 1) }
        return places.sorted() + [count]
    }

    /// Lends a part of the bytes in a heap block of its own.
    func withCopy<Result>(_ range: Range<Int>, _ body: (RawSpan) throws -> Result) rethrows -> Result {
        let block = UnsafeMutableRawBufferPointer.allocate(byteCount: range.count, alignment: 1)
        defer { unsafe block.deallocate() }
        unsafe block.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[range]))
        return try unsafe body(UnsafeRawBufferPointer(block).bytes)
    }
}

extension FuzzInput {
    /// The same with 16 bytes behind it that may be read and mean nothing.
    func withPaddedCopy<Result>(_ range: Range<Int>, _ body: (UnsafeMutableRawPointer) throws -> Result) rethrows -> Result {
        let block = UnsafeMutableRawPointer.allocate(byteCount: range.count + 16, alignment: 1)
        defer { unsafe block.deallocate() }
        let whole = unsafe UnsafeMutableRawBufferPointer(start: block, count: range.count + 16)
        unsafe whole.initializeMemory(as: UInt8.self, repeating: UInt8(truncatingIfNeeded: fingerprint))
        unsafe whole.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[range]))
        return try unsafe body(block)
    }
}

/// Numbers that look random and are the same for the same input (SplitMix64).
struct Decisions {
    var state: UInt64

    mutating func below(_ limit: Int) -> Int {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return Int((mixed ^ (mixed >> 31)) % UInt64(max(limit, 1)))
    }
}

/// Ends the process when a fact about the code under test does not hold.
func check(_ holds: Bool, _ fact: @autoclosure () -> String) {
    if !holds { fatalError("violated: \(fact())") }
}
