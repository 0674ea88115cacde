// A connection without a socket: the protocol that serves, asked with bytes in memory. Notes what it says as text, and answers each
// request, so that two conversations can be compared.

import EverycoreHTTP

final class HTTP1Driver {
    private var http1 = HTTP1()
    private let rules: HTTP1.Rules
    private let encoder = ResponseEncoder()
    private let head = RequestHead()
    private var pending: [UInt8] = []
    private var content: [UInt8]?
    private var closes = false
    private var output = OutputBuffer()
    private(set) var notes: [String] = []

    init(limits: HTTPLimits = HTTPLimits()) { rules = HTTP1.Rules(limits) }

    /// What it said, what has come of content that isn't over, and what it sent.
    var transcript: String {
        let sent = unsafe output.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
        return (notes + [content.map { "so far <\(Self.text($0))>" } ?? "", sent]).joined(separator: "\n")
    }

    func receive(_ bytes: some Collection<UInt8>) {
        pending += bytes
        while step() {}
    }

    static func converse(_ bytes: [UInt8], cuts: [Int] = [], limits: HTTPLimits = HTTPLimits()) -> HTTP1Driver {
        let driver = HTTP1Driver(limits: limits)
        var start = 0
        for cut in cuts + [bytes.count] {
            driver.receive(bytes[start..<cut])
            start = cut
        }
        return driver
    }

    /// Takes one event; false where there is nothing more in hand, or nothing more is read.
    private func step() -> Bool {
        if closes, http1.contentIsOver { return false }
        let wantsContent = !http1.contentIsOver
        switch PaddedCopy(pending).withBytes({ http1.next($0, rules, into: head) }) {
        case .needMore:
            if wantsContent { pending = [] }
            return false
        case .skipped(let count):
            pending.removeFirst(count)
        case .head(let length):
            notes.append(Parsed(.complete(headLength: length), head, Array(pending.prefix(length))).description)
            pending.removeFirst(length)
            if !http1.contentIsOver { content = [] }
            answer()
        case .content(let range):
            content? += pending[range]
            pending.removeFirst(range.upperBound)
        case .end(let consumed):
            pending.removeFirst(consumed)
            let trailers = http1.takeTrailers().fields.map { "\($0.name)=<\($0.value)>" }
            notes.append("content <\(Self.text(content ?? []))> \(trailers)")
            content = nil
        case .refused(let refusal):
            notes.append("\(refusal)")
            http1.reset()
            closes = true
        }
        return true
    }

    private func answer() {
        let response = CheckedResponse(constant: "ok", type: "text/plain")
        closes = HTTP1.append(response, to: head.facts, keeps: true, with: encoder, &output).closes
    }

    private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}
