// Facts about entity tags and lists of them.

import Everycore
import Testing

struct EntityTagTests {
    @Test func `tags are weak or strong, and written with quotes`() {
        #expect(EntityTag(parsing: #""a""#) == EntityTag("a"))
        #expect(EntityTag(parsing: #"W/"a""#) == EntityTag("a", isWeak: true))
        #expect(EntityTag(parsing: #""""#) == EntityTag(""))
        #expect(EntityTag("x").description == #""x""#)
        #expect(EntityTag("x", isWeak: true).description == #"W/"x""#)
    }

    @Test(arguments: ["", "a", #""a"#, #"a""#, #"w/"a""#, #"W/a"#, #""a" "#, #""a b""#, "\"a\u{7f}\"", #""a","b""#, "*"])
    func `anything else is no tag`(text: String) {
        #expect(EntityTag(parsing: text) == nil)
    }

    /// The table of RFC 9110 §8.8.3.2.
    @Test func `weak and strong comparison`() {
        let (weak1, weak2) = (EntityTag("1", isWeak: true), EntityTag("2", isWeak: true))
        let strong1 = EntityTag("1")
        for (left, right, strong, weak) in [
            (weak1, weak1, false, true), (weak1, weak2, false, false), (weak1, strong1, false, true), (strong1, strong1, true, true),
        ] {
            #expect(left.matchesStrongly(right) == strong)
            #expect(left.matchesWeakly(right) == weak)
        }
    }

    @Test func `lists have commas, blanks and empty elements`() {
        #expect(EntityTagList(parsing: "*") == .any)
        #expect(EntityTagList(parsing: #""a"  ,,W/"b", "c,d" ,"#) == .tags([.init("a"), .init("b", isWeak: true), .init("c,d")]))
        #expect(EntityTagList(parsing: "") == .tags([]))
    }

    @Test(arguments: [#""a" "b""#, #"a, "a""#, #""a", *"#, #""a", "b"#, #"*, "a""#])
    func `a malformed list matches nothing`(text: String) {
        #expect(EntityTagList(parsing: text) == .tags([]))
    }
}
