// Facts about fields that were laid out before they are sent.

import EverycoreHTTP
import Testing

struct PreparedFieldsTests {
    private func head(fields: [(name: String, value: String)], isPrepared: Bool) throws -> String {
        var output = OutputBuffer()
        var encoder = ResponseEncoder(serverName: "test")
        encoder.updateDate(unixSeconds: 0)
        let outcome = try encoder.appendHead(
            status: 200, contentType: "text/plain", fields: isPrepared ? [] : fields,
            prepared: isPrepared ? PreparedFields(fields) : nil, content: .length(5),
            for: .init(minorVersion: 1, isHead: false, keepsConnection: true), to: &output)
        return "\(outcome.closes)" + (unsafe output.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) })
    }

    @Test func `they are sent as they would be sent otherwise`() throws {
        for fields in [
            [("X-A", "1"), ("ETag", "\"x\"")], [("Content-Type", "text/html")], [("Connection", "close, x")], [("Server", "own")],
            [("Date", "never")],
        ] as [[(name: String, value: String)]] {
            #expect(try head(fields: fields, isPrepared: true) == head(fields: fields, isPrepared: false))
        }
    }

    @Test func `what can't be sent can't be prepared`() {
        for fields in [[("X A", "1")], [("X-A", "1\r\n")], [("Content-Length", "1")]] as [[(name: String, value: String)]] {
            #expect(throws: ResponseEncoder.Failure.self) { try PreparedFields(fields) }
        }
    }
}
