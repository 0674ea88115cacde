// The head as handlers use it: lookups, and life before, during and after its input buffer.

import EverycoreHTTP
import Testing

@Suite struct RequestHeadTests {
    private func parse(_ bytes: [UInt8], into head: RequestHead) {
        var parser = RequestParser(limits: HTTPLimits())
        #expect(unsafe parser.parse(bytes.span.bytes, into: head) == .complete(headLength: bytes.count))
    }

    @Test func findsFieldsInAnyCase() {
        let bytes = get("Accept: a", "X-Longer-Than-Eight: b", "accept: c", "X^Y: d")
        let head = RequestHead()
        parse(bytes, into: head)
        unsafe bytes.withUnsafeBytes { buffer in
            guard let base = buffer.baseAddress else { return }
            unsafe head.rebase(onto: base, count: buffer.count)
            #expect(head.value(of: "ACCEPT" as StaticString) == "a")
            #expect(head.value(of: "aCCept" as String) == "a")
            #expect(head.values(of: "accept") == ["a", "c"])
            #expect(head.value(of: "x-longer-than-eight" as String) == "b")
            #expect(head.value(of: "x-longer-than-nine!" as String) == nil)
            #expect(head.value(of: "x~y" as String) == nil)
            #expect(head.value(of: "" as String) == nil)
            #expect(head.withPath { $0.byteCount } == 1)
        }
    }

    @Test func showsHopByHopFieldsOnlyOnRequest() {
        let bytes = get("Connection: upgrade, x-a", "Upgrade: h", "X-A: 1")
        let head = RequestHead()
        parse(bytes, into: head)
        unsafe bytes.withUnsafeBytes { buffer in
            guard let base = buffer.baseAddress else { return }
            unsafe head.rebase(onto: base, count: buffer.count)
            #expect(head.value(of: "x-a" as String) == nil)
            #expect(head.values(of: "x-a").isEmpty)
            #expect(head.firstField(named: "upgrade") == nil)
            #expect(head.firstField(named: "upgrade", includingHopByHop: true).map { head.string(of: $0.value) } == "h")
        }
    }

    @Test func staysReadableAfterDetachWhenTheBufferIsOverwritten() {
        var bytes = request("GET /kept?q HTTP/1.1", "Host: a", "A: b")
        let head = RequestHead()
        parse(bytes, into: head)
        unsafe bytes.withUnsafeMutableBytes { buffer in
            guard let base = buffer.baseAddress else { return }
            unsafe head.rebase(onto: UnsafeRawPointer(base), count: buffer.count)
            head.detach()
            head.detach()
            for index in 0..<buffer.count { unsafe buffer[index] = 0x21 }
        }
        #expect(head.path == "/kept")
        #expect(head.query == "q")
        #expect(head.value(of: "a" as String) == "b")
        #expect(head.methodName == "GET")
    }

    @Test func answersWithNothingWhenNoBytesAreAttached() {
        let head = RequestHead()
        #expect(head.path == "" && head.query == nil && head.fieldCount == 0 && head.field(at: 0) == nil)
        parse(get("A: b"), into: head)
        #expect(head.path == "")
        #expect(head.value(of: "a" as String) == nil)
        #expect(head.field(at: -1) == nil && head.field(at: 2) == nil && head.field(at: .max) == nil)
        head.detach()
        #expect(head.path == "")
        #expect(head.string(of: ByteRange(9, 3)) == "")
        #expect(head.string(of: ByteRange(0, .max)) == "")
    }

    @Test func doesNotReadBeyondTheAttachedBytes() {
        let bytes = get("A: b")
        let head = RequestHead()
        parse(bytes, into: head)
        unsafe bytes.withUnsafeBytes { buffer in
            guard let base = buffer.baseAddress else { return }
            unsafe head.rebase(onto: base, count: 5)
            #expect(head.path == "/")
            #expect(head.value(of: "a" as String) == nil)
            unsafe head.rebase(onto: base, count: -1)
            #expect(head.path == "")
        }
    }

    @Test func isFilledAnewByTheNextRequest() {
        let head = RequestHead()
        let first = get("A: b", "Connection: close", "Content-Length: 3", "Expect: 100-continue")
        parse(first, into: head)
        #expect(head.hasBody && head.expectContinue && !head.keepAlive)
        parse(get(), into: head)
        #expect(!head.hasBody && !head.expectContinue && head.keepAlive && head.fieldCount == 1)
        head.reset()
        #expect(head.fieldCount == 0 && head.headLength == 0)
    }
}
