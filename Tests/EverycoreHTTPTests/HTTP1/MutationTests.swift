// Broken requests in great number, from a fixed seed: nothing traps, what is refused is refused
// with a known status, and the answer does not depend on how the bytes come.

import EverycoreHTTP
import TestSupport
import Testing

@Suite struct MutationTests {
    private static let tokens = [
        "\r\n", "\n", "\r", "\r\n\r\n", " ", "\t", ":", ",", "\0", "%", "%4", "#", "?", "*", "http://", "[::1]", "HTTP/1.0", "HTTP/2.0",
        "Host: ", "Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n", "Connection: close, a\r\n", "Expect: 100-continue\r\n",
        "Upgrade: a\r\n", "chunked", "gzip", "9223372036854775808", "5;a=\"b\"\r\n", "0\r\n\r\n", "\u{FF}",
    ].map { Array($0.utf8) }

    static func mutate(_ bytes: inout [UInt8], _ random: inout SeededGenerator) {
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            let position = Int.random(in: 0...bytes.count, using: &random)
            switch Int.random(in: 0..<6, using: &random) {
            case 0 where position < bytes.count: bytes[position] = UInt8.random(in: 0...255, using: &random)
            case 1 where position < bytes.count: bytes.remove(at: position)
            case 2: bytes.insert(UInt8.random(in: 0...127, using: &random), at: position)
            case 3: bytes.removeSubrange(position..<min(bytes.count, position + Int.random(in: 0...9, using: &random)))
            case 4 where position < bytes.count: bytes[position] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            default: bytes.insert(contentsOf: tokens.randomElement(using: &random) ?? [], at: position)
            }
        }
    }

    @Test func neverTrapsAndNeverDependsOnTheSplit() {
        var random = SeededGenerator.printingSeed(20_260_101)
        let seeds = RequestCorpus.all.map(\.bytes).filter { $0.count < 400 }
        let known: Set<Int> = [400, 414, 431, 501, 505]
        var parser = RequestParser(limits: HTTPLimits(fieldCount: 6))
        let head = RequestHead()
        var counts: (complete: Int, refused: Int, partial: Int) = (0, 0, 0)
        for round in 0..<220_000 {
            guard var bytes = seeds.randomElement(using: &random) else { return }
            Self.mutate(&bytes, &random)
            parser.reset()
            let progress = unsafe parser.parse(bytes.span.bytes, into: head)
            switch progress {
            case .complete(let length):
                counts.complete += 1
                #expect(length <= bytes.count)
            case .refused(let refusal):
                counts.refused += 1
                if !known.contains(refusal.status) || !refusal.closes { Issue.record("\(refusal)") }
            case .needMore, .emptyLine: counts.partial += 1
            }
            guard round % 8 == 0 else { continue }
            let whole = Parsed(progress, head, bytes)
            let position = Int.random(in: 0...bytes.count, using: &random)
            let split = Run.split(bytes, at: position, limits: parser.limits)
            if split != whole { Issue.record("\(bytes) at \(position): \(split) instead of \(whole)") }
        }
        #expect(counts.complete > 1000 && counts.refused > 1000 && counts.partial > 1000)
    }

    @Test func neverTrapsOnMutatedChunks() {
        var random = SeededGenerator.printingSeed(7)
        let seed = raw("5\r\nhello\r\nA;a=\"b c\";d=e\r\n0123456789\r\n0\r\nX-A: 1\r\nHost: a\r\n\r\nGET /")
        for _ in 0..<50_000 {
            var bytes = seed
            Self.mutate(&bytes, &random)
            let whole = ChunkRun(bytes, step: bytes.count)
            let pieces = ChunkRun(bytes, step: Int.random(in: 1...5, using: &random))
            if whole != pieces { Issue.record("\(bytes): \(pieces) instead of \(whole)") }
        }
    }
}
