// Facts about conditional requests: RFC 9110 §13.2.2, step by step.

import Everycore
import Testing

struct PreconditionsTests {
    private static let date: Int64 = 784_111_777
    private let now: Int64 = 1_800_000_000
    private let before = "Sun, 06 Nov 1994 08:49:36 GMT"
    private let same = "Sun, 06 Nov 1994 08:49:37 GMT"
    private let after = "Sun, 06 Nov 1994 08:49:38 GMT"
    private let strong = Validators(tag: EntityTag("a"), lastModified: date)
    private let weak = Validators(tag: EntityTag("a", isWeak: true), lastModified: date)

    private func outcome(
        _ current: Validators? = nil, isGet: Bool = true, _ fill: (inout Preconditions) -> Void
    ) -> Preconditions.Outcome {
        var conditions = Preconditions()
        fill(&conditions)
        return conditions.evaluate(current ?? strong, isGet: isGet, now: now)
    }

    @Test func `without conditions it is sent`() {
        #expect(outcome { _ in } == .proceed(range: nil))
        #expect(outcome { $0.range = "bytes=0-1" } == .proceed(range: "bytes=0-1"))
    }

    @Test func `If-Match wants this version, strongly`() {
        #expect(outcome { $0.ifMatch = #""b", "a""# } == .proceed(range: nil))
        #expect(outcome { $0.ifMatch = "*" } == .proceed(range: nil))
        #expect(outcome { $0.ifMatch = #""b""# } == .failed)
        #expect(outcome { $0.ifMatch = #"W/"a""# } == .failed)
        #expect(outcome(weak) { $0.ifMatch = #"W/"a""# } == .failed)
        #expect(outcome(weak) { $0.ifMatch = "*" } == .proceed(range: nil))
        #expect(outcome { $0.ifMatch = "nonsense" } == .failed)
    }

    @Test func `If-Unmodified-Since counts where If-Match is absent`() {
        #expect(outcome { $0.ifUnmodifiedSince = before } == .failed)
        #expect(outcome { $0.ifUnmodifiedSince = same } == .proceed(range: nil))
        #expect(outcome { $0.ifUnmodifiedSince = "yesterday" } == .proceed(range: nil))
        #expect(
            outcome {
                $0.ifUnmodifiedSince = before; $0.ifMatch = #""a""#
            } == .proceed(range: nil))
    }

    @Test func `If-None-Match finds this version, weakly`() {
        #expect(outcome { $0.ifNoneMatch = #""b", W/"a""# } == .notModified)
        #expect(outcome(weak) { $0.ifNoneMatch = #""a""# } == .notModified)
        #expect(outcome { $0.ifNoneMatch = "*" } == .notModified)
        #expect(outcome { $0.ifNoneMatch = #""b""# } == .proceed(range: nil))
        #expect(outcome(isGet: false) { $0.ifNoneMatch = #""a""# } == .notModified)
    }

    @Test func `If-Modified-Since counts where If-None-Match is absent`() {
        #expect(outcome { $0.ifModifiedSince = before } == .proceed(range: nil))
        #expect(outcome { $0.ifModifiedSince = same } == .notModified)
        #expect(outcome { $0.ifModifiedSince = after } == .notModified)
        #expect(outcome { $0.ifModifiedSince = "0" } == .proceed(range: nil))
        #expect(outcome { $0.ifModifiedSince = "\(same), \(same)" } == .proceed(range: nil))
        #expect(
            outcome {
                $0.ifModifiedSince = after; $0.ifNoneMatch = #""b""#
            } == .proceed(range: nil))
    }

    @Test func `a failed precondition comes before a 304, and both before a range`() {
        #expect(
            outcome {
                $0.ifMatch = #""b""#; $0.ifNoneMatch = #""a""#
            } == .failed)
        #expect(
            outcome {
                $0.ifUnmodifiedSince = before; $0.ifModifiedSince = after
            } == .failed)
        #expect(
            outcome {
                $0.ifMatch = #""a""#; $0.ifNoneMatch = #""a""#; $0.range = "bytes=0-"
            } == .notModified)
    }

    @Test func `If-Range lets a range count only for the very same version`() {
        let range = "bytes=0-1"
        for (current, value, counts) in [
            (strong, #""a""#, true), (strong, #"W/"a""#, false), (strong, #""b""#, false), (weak, #"W/"a""#, false),
            (weak, #""a""#, false), (strong, same, true), (strong, after, false), (strong, before, false), (weak, same, false),
            (strong, "nonsense", false), (strong, #""a", "b""#, false), (strong, "*", false),
        ] {
            #expect(
                outcome(current) {
                    $0.range = range; $0.ifRange = value
                } == .proceed(range: counts ? range : nil), "\(value)")
        }
        #expect(outcome { $0.ifRange = #""b""# } == .proceed(range: nil))
    }

    @Test func `a range counts for GET alone`() {
        #expect(outcome(isGet: false) { $0.range = "bytes=0-1" } == .proceed(range: nil))
    }
}
