// Facts about the choice of a content coding.

import Everycore
import Testing

struct AcceptedCodingsTests {
    private let all = CodingSet(.brotli, .zstd, .gzip)

    private func choice(_ field: String?, _ available: CodingSet) -> AcceptedCodings.Choice {
        guard let field else { return AcceptedCodings().choice(of: available) }
        let bytes = Array(field.utf8)
        return unsafe AcceptedCodings(parsing: bytes.span.bytes).choice(of: available)
    }

    @Test(
        arguments: [
            ("gzip, deflate, br, zstd", .coding(.brotli)), ("gzip", .coding(.gzip)), ("GZip", .coding(.gzip)),
            ("x-gzip", .coding(.gzip)), ("zstd, gzip", .coding(.zstd)), ("gzip;q=1.0, br;q=0.5", .coding(.gzip)),
            ("gzip;q=0.5, br;q=0.501", .coding(.brotli)), ("br;q=0, gzip;q=0.1", .coding(.gzip)), ("*", .coding(.brotli)),
            ("br;q=0, *", .coding(.zstd)), ("gzip ; Q=0.3 ,br; q=0.2", .coding(.gzip)),
            ("identity;q=0, gzip;q=0.001", .coding(.gzip)), ("identity;q=0.5, gzip;q=0.5", .coding(.gzip)),
        ] as [(String, AcceptedCodings.Choice)])
    func `the coding with the greatest weight`(field: String, expected: AcceptedCodings.Choice) {
        #expect(choice(field, all) == expected)
    }

    @Test(
        arguments: [
            nil, "", "deflate", "compress, deflate", "gzip;q=0, br;q=0, zstd;q=0", "identity", "identity, gzip;q=0.9",
            "gzip;q=x", "gzip;q=2", "gzip;q=0.1234", "gzip;level=9", "gzip;q=", "gzip2", "*;q=0, identity",
        ] as [String?])
    func `the identity where nothing else is wanted`(field: String?) {
        #expect(choice(field, all) == .identity)
    }

    @Test func `what isn't there is not chosen`() {
        #expect(choice("br, gzip;q=0.1", CodingSet(.gzip)) == .coding(.gzip))
        #expect(choice("br", CodingSet(.gzip)) == .identity)
        #expect(choice("br, gzip", CodingSet()) == .identity)
    }

    @Test(arguments: ["identity;q=0", "*;q=0", "identity;q=0, br", "*;q=0.0", "identity;q=0, *;q=0"])
    func `nothing where the identity is refused too`(field: String) {
        #expect(choice(field, CodingSet()) == .nothing)
    }

    @Test func `a refusal of all but one leaves the one`() {
        #expect(choice("*;q=0, gzip", all) == .coding(.gzip))
        #expect(choice("identity;q=0", all) == .nothing)
        #expect(choice("identity;q=0, *", all) == .coding(.brotli))
    }

    @Test func `lines add up`() {
        var accepted = AcceptedCodings()
        for line in ["gzip;q=0.2", "br;q=0.1"] {
            let bytes = Array(line.utf8)
            unsafe accepted.add(bytes.span.bytes)
        }
        #expect(accepted.choice(of: all) == .coding(.gzip))
    }
}
