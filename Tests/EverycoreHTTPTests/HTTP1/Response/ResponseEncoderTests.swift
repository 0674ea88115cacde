// Response heads to the byte, and what a handler may not put on the wire.

import EverycoreHTTP
import Testing

@Suite struct ResponseEncoderTests {
    private static let date = "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"

    private func encode(
        _ status: Int, type: StaticString? = nil, _ fields: [(name: String, value: String)],
        _ content: ResponseEncoder.Content, minor: Int = 1, head: Bool = false, keeps: Bool = true, server: String? = nil
    ) throws -> (text: String, outcome: ResponseEncoder.Outcome) {
        var encoder = ResponseEncoder(serverName: server)
        encoder.updateDate(unixSeconds: 784_111_777)
        var output = OutputBuffer()
        let outcome = try encoder.appendHead(
            status: status, contentType: type, fields: fields, content: content,
            for: .init(minorVersion: minor, isHead: head, keepsConnection: keeps), to: &output)
        return (output.text.replacing(Self.date, with: "DATE\r\n"), outcome)
    }

    private func encode(
        _ status: Int, type: StaticString? = nil, _ content: ResponseEncoder.Content, minor: Int = 1, head: Bool = false,
        keeps: Bool = true, server: String? = nil
    ) throws -> (text: String, outcome: ResponseEncoder.Outcome) {
        try encode(status, type: type, [], content, minor: minor, head: head, keeps: keeps, server: server)
    }

    @Test func writesAPlainResponse() throws {
        let (text, outcome) = try encode(200, type: "text/plain", .length(13))
        #expect(text == "HTTP/1.1 200 OK\r\nDATE\r\nContent-Type: text/plain\r\nContent-Length: 13\r\n\r\n")
        #expect(outcome.body == .identity && !outcome.closes)
    }

    @Test func writesTheHandlersFields() throws {
        let (text, _) = try encode(301, [("Location", "/a"), ("X-U", "é\tb"), ("Empty", "")], .none)
        #expect(text == "HTTP/1.1 301 Moved Permanently\r\nDATE\r\nContent-Length: 0\r\nLocation: /a\r\nX-U: é\tb\r\nEmpty: \r\n\r\n")
    }

    @Test func saysHowTheConnectionGoesOn() throws {
        #expect(try !encode(200, .none).text.contains("Connection"))
        #expect(try encode(200, .none, keeps: false).text.contains("\r\nConnection: close\r\n"))
        #expect(try encode(200, .none, keeps: false).outcome.closes)
        #expect(try encode(200, .none, minor: 0).text.contains("\r\nConnection: keep-alive\r\n"))
        #expect(try encode(200, .none, minor: 0, keeps: false).text.contains("\r\nConnection: close\r\n"))
    }

    @Test func framesUnknownLengthByVersion() throws {
        let chunked = try encode(200, .unknownLength)
        #expect(chunked.text == "HTTP/1.1 200 OK\r\nDATE\r\nTransfer-Encoding: chunked\r\n\r\n")
        #expect(chunked.outcome.body == .chunked && !chunked.outcome.closes)
        let old = try encode(200, .unknownLength, minor: 0)
        #expect(old.text == "HTTP/1.1 200 OK\r\nDATE\r\nConnection: close\r\n\r\n")
        #expect(old.outcome.body == .identity && old.outcome.closes)
    }

    @Test(arguments: [ResponseEncoder.Content.none, .length(0), .length(5), .unknownLength], [0, 1])
    func givesHeadTheHeaderSectionOfGet(_ content: ResponseEncoder.Content, _ minor: Int) throws {
        let get = try encode(200, type: "text/plain", content, minor: minor)
        let head = try encode(200, type: "text/plain", content, minor: minor, head: true)
        #expect(head.text == get.text)
        #expect(head.outcome.body == .omitted)
        #expect(head.outcome.closes == get.outcome.closes)
    }

    @Test(arguments: [100, 101, 103, 204, 304], [ResponseEncoder.Content.none, .length(5), .unknownLength])
    func framesNothingWhereThereIsNoContent(_ status: Int, _ content: ResponseEncoder.Content) throws {
        let (text, outcome) = try encode(status, [("ETag", "\"a\"")], content)
        #expect(!text.contains("Content-Length") && !text.contains("Transfer-Encoding"))
        #expect(text.contains("ETag: \"a\"\r\n") && outcome.body == .omitted && !outcome.closes)
    }

    @Test func neverClosesAfterAnInterimResponse() throws {
        let (text, outcome) = try encode(103, [("Link", "</a>")], .none, keeps: false)
        #expect(!text.contains("Connection") && !outcome.closes)
    }

    @Test func givesResetContentAnEmptyBody() throws {
        let (text, outcome) = try encode(205, .length(5))
        #expect(text.contains("Content-Length: 0\r\n") && outcome.body == .omitted)
    }

    @Test func writesTheServerOnlyWhenNamed() throws {
        #expect(try encode(200, .none, server: "everycore").text.contains("\r\nServer: everycore\r\n"))
        #expect(try !encode(200, .none, server: "a\r\nb: c").text.contains("Server"))
        #expect(try encode(200, [("server", "mine")], .none, server: "x").text.hasSuffix("0\r\nserver: mine\r\n\r\n"))
    }

    @Test func letsTheHandlersFieldsReplaceItsOwn() throws {
        let (text, _) = try encode(200, type: "text/plain", [("date", "D"), ("CONTENT-TYPE", "a/b")], .none)
        #expect(text == "HTTP/1.1 200 OK\r\nContent-Length: 0\r\ndate: D\r\nCONTENT-TYPE: a/b\r\n\r\n")
    }

    @Test func takesCloseFromTheHandler() throws {
        let (text, outcome) = try encode(200, [("Connection", "Close, keep-alive, x")], .none)
        #expect(text.hasSuffix("Connection: close\r\nConnection: x\r\n\r\n") && outcome.closes)
        let upgrade = try encode(101, [("Connection", "Upgrade"), ("Upgrade", "websocket")], .none)
        #expect(upgrade.text == "HTTP/1.1 101 Switching Protocols\r\nDATE\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
    }

    @Test(arguments: ["a\r\nb", "a\nb", "a\rb", "a\0b", "\u{7F}", "\u{1B}", "a\r", "12345678\n"])
    func refusesControlsInAValue(_ value: String) {
        #expect(throws: ResponseEncoder.Failure.invalidFieldValue(name: "A")) { try encode(200, [("A", value)], .none) }
    }

    @Test(arguments: ["", "a b", "a:", "a\r\n", "ä", "a\0", " a", "(a)"])
    func refusesANameThatIsNoToken(_ name: String) {
        #expect(throws: ResponseEncoder.Failure.invalidFieldName(name)) { try encode(200, [(name, "b")], .none) }
    }

    @Test(arguments: ["Content-Length", "transfer-encoding", "Keep-Alive"])
    func refusesFramingFromAHandler(_ name: String) {
        #expect(throws: ResponseEncoder.Failure.reservedField(name)) { try encode(200, [(name, "5")], .none) }
    }

    @Test(arguments: [-1, 0, 99, 600, Int.max, Int.min])
    func refusesAStatusThatIsNone(_ status: Int) {
        #expect(throws: ResponseEncoder.Failure.statusOutOfRange(status)) { try encode(status, .none) }
    }

    @Test func leavesTheBufferAsItWasOnAnError() {
        var output = OutputBuffer()
        output.append("before")
        #expect(throws: ResponseEncoder.Failure.self) {
            try ResponseEncoder().appendHead(
                status: 200, fields: [("A", "b"), ("B", "\n")], content: .none,
                for: .init(minorVersion: 1, isHead: false, keepsConnection: true), to: &output)
        }
        #expect(output.text == "before")
    }

    @Test func writesAStatusLineForEveryCode() throws {
        for status in 100...599 {
            let line = try encode(status, .none).text.prefix { $0 != "\r\n" }
            #expect(line == "HTTP/1.1 \(status) \(StatusLine.reason(for: status))")
        }
        #expect(StatusLine.reason(for: 404) == "Not Found" && StatusLine.reason(for: 299) == "")
        #expect(StatusLine.reason(for: 431) == "Request Header Fields Too Large")
    }

    @Test func framesChunks() {
        let encoder = ResponseEncoder()
        var output = OutputBuffer()
        unsafe encoder.appendChunk(raw("hello, chunked world").span.bytes, to: &output)
        unsafe encoder.appendChunk(raw("").span.bytes, to: &output)
        encoder.appendLastChunk(to: &output)
        #expect(output.text == "14\r\nhello, chunked world\r\n0\r\n\r\n")
        encoder.appendContinue(to: &output)
        #expect(output.text.hasSuffix("HTTP/1.1 100 Continue\r\n\r\n"))
    }
}

@Suite struct DateLineTests {
    @Test(
        arguments: [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"), (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"), (951_868_799, "Tue, 29 Feb 2000 23:59:59 GMT"),
            (951_868_800, "Wed, 01 Mar 2000 00:00:00 GMT"), (1_709_164_800, "Thu, 29 Feb 2024 00:00:00 GMT"),
            (1_709_251_200, "Fri, 01 Mar 2024 00:00:00 GMT"), (1_735_689_599, "Tue, 31 Dec 2024 23:59:59 GMT"),
            (2_147_483_648, "Tue, 19 Jan 2038 03:14:08 GMT"), (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"),
            (4_107_542_399, "Sun, 28 Feb 2100 23:59:59 GMT"), (-1, "Wed, 31 Dec 1969 23:59:59 GMT"),
            (-62_167_219_200, "Sat, 01 Jan 0000 00:00:00 GMT"), (253_402_300_799, "Fri, 31 Dec 9999 23:59:59 GMT"),
            (.max, "Fri, 31 Dec 9999 23:59:59 GMT"), (.min, "Sat, 01 Jan 0000 00:00:00 GMT"),
        ] as [(Int64, String)])
    func writesAnIMFFixdate(_ seconds: Int64, _ text: String) {
        #expect(DateLine.fixdate(unixSeconds: seconds) == text)
    }

    @Test func changesWithTheSecond() {
        var encoder = ResponseEncoder()
        var output = OutputBuffer()
        for seconds in [784_111_777, 784_111_777, 784_111_778] as [Int64] {
            encoder.updateDate(unixSeconds: seconds)
            _ = try? encoder.appendHead(
                status: 200, content: .none, for: .init(minorVersion: 1, isHead: false, keepsConnection: true), to: &output)
        }
        #expect(output.text.split(separator: "08:49:37").count == 3)
        #expect(output.text.contains("08:49:38 GMT\r\n"))
    }
}
