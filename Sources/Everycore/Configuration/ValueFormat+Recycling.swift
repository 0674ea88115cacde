// The memory at which a worker is recycled, as it is written: a size, a share of the median of its siblings, both, or off.
// Pure; runs in the process that reads the configuration, before any fork.

extension ValueFormat where Value == ServerConfiguration.Recycle.Memory {
    package static let recycleMemory = ValueFormat(
        scalar: .word,
        expectation: "a size from 1m to 1024g bytes, a share of the median of all other workers from 110% to 10000%, both with a "
            + "space between them, or off",
        parse: { text in
            var memory = Value()
            if text == "off" { return memory }
            for word in text.split(separator: " ", omittingEmptySubsequences: false) {
                if word.hasSuffix("%"), memory.percentOfMedian == nil, let percent = parsedDecimal(word.dropLast().utf8[...]) {
                    memory.percentOfMedian = percent
                } else if memory.bytes == nil, let bytes = parsedSize(String(word)) {
                    memory.bytes = bytes
                } else {
                    return nil
                }
            }
            return isPossible(memory) ? memory : nil
        },
        render: { memory in
            let words = [memory.bytes.map(sizeText), memory.percentOfMedian.map { "\($0)%" }].compactMap { $0 }
            return words.isEmpty ? "off" : words.joined(separator: " ")
        },
        accepts: isPossible)

    private static func isPossible(_ memory: Value) -> Bool {
        (memory.bytes.map((1 << 20...1 << 40).contains) ?? true) && (memory.percentOfMedian.map((110...10000).contains) ?? true)
    }
}
