// How the tests run the request parser: in one piece, split in two, byte by byte, and byte by
// byte while another connection uses the same RequestHead.

import EverycoreHTTP

/// All that a parse says about a request, as text, so that two parses can be compared.
struct Parsed: Equatable, CustomStringConvertible {
    var description: String

    static let needMore = Parsed(description: "needMore")

    init(description: String) { self.description = description }

    init(_ progress: RequestParser.Progress, _ head: RequestHead, _ bytes: [UInt8]) {
        switch progress {
        case .needMore: description = "needMore"
        case .emptyLine(let length): description = "empty line of \(length)"
        case .refused(let refusal): description = "\(refusal) closes=\(refusal.closes)"
        case .complete(let length):
            description = unsafe bytes.withUnsafeBytes { buffer in
                if let base = buffer.baseAddress { unsafe head.rebase(onto: base, count: buffer.count) }
                return "complete \(length) \(Parsed.describe(head))"
            }
        }
    }

    private static func describe(_ head: RequestHead) -> String {
        var fields: [String] = []
        for index in 0..<head.fieldCount {
            guard let field = head.field(at: index) else { continue }
            let mark = field.isHopByHop ? "*" : ""
            fields.append("\(mark)\(head.string(of: field.name))=<\(head.string(of: field.value))>")
        }
        return """
            \(head.method) \(head.methodName) \(head.targetForm) \(head.path) ?\(head.query ?? "-") \
            @\(head.authority ?? "-") 1.\(head.minorVersion) \(head.framing) keep=\(head.keepAlive) \
            expect=\(head.expectContinue) upgrade=\(head.hasUpgrade) refusal=\(head.refusal.map(\.description) ?? "-") \
            length=\(head.headLength) \(fields)
            """
    }
}

enum Run {
    static func whole(_ bytes: [UInt8], limits: HTTPLimits = HTTPLimits()) -> Parsed {
        var parser = RequestParser(limits: limits)
        let head = RequestHead()
        let progress = unsafe parser.parse(bytes.span.bytes, into: head)
        return Parsed(progress, head, bytes)
    }

    /// The answer when the bytes come in two pieces.
    static func split(_ bytes: [UInt8], at position: Int, limits: HTTPLimits = HTTPLimits()) -> Parsed {
        var parser = RequestParser(limits: limits)
        let head = RequestHead()
        let first = unsafe parser.parse(bytes.span.bytes.extracting(first: position), into: head)
        if first != .needMore { return Parsed(first, head, bytes) }
        let second = unsafe parser.parse(bytes.span.bytes, into: head)
        return Parsed(second, head, bytes)
    }

    /// The answer when each byte comes alone. With `noise`, another connection's partial request
    /// goes through the same head after every byte.
    static func dribbled(_ bytes: [UInt8], limits: HTTPLimits = HTTPLimits(), noise: Bool = false) -> Parsed {
        var parser = RequestParser(limits: limits)
        var other = RequestParser(limits: limits)
        let otherBytes = Array("POST /noise HTTP/1.1\r\nA: b\r\nExpect: x\r\nContent-Length: 7\r\nHost: o\r\nC: d\r\n".utf8)
        let head = RequestHead()
        for count in 0...bytes.count {
            let progress = unsafe parser.parse(bytes.span.bytes.extracting(first: count), into: head)
            if progress != .needMore { return Parsed(progress, head, bytes) }
            if noise {
                _ = unsafe other.parse(otherBytes.span.bytes, into: head)
                other.reset()
            }
        }
        return .needMore
    }
}

/// The whole request with its blank line.
func request(_ lines: String...) -> [UInt8] {
    Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8)
}

/// A GET for `/` with a Host and these lines.
func get(_ lines: String...) -> [UInt8] {
    Array((["GET / HTTP/1.1", "Host: a"] + lines).map { $0 + "\r\n" }.joined().utf8) + [13, 10]
}
