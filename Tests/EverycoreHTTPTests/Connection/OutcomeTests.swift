// Responses that the application returns, to every kind of request that they can meet.

import EverycoreHTTP
import EverycoreStatistics
import Testing

@Suite struct OutcomeTests {
    private let server: ConnectionServer
    init() throws { server = try ConnectionServer() }

    @Test func `a constant is sent as any other response is`() throws {
        defer { server.stop() }
        let client = try server.connect()
        let kept = request("GET /constant HTTP/1.1", "Host: a") + request("HEAD /constant HTTP/1.1", "Host: a")
        client.send(
            kept + kept + request("GET /constant HTTP/1.0", "Connection: keep-alive") + request("GET /constant HTTP/1.1", "Host: a", "Connection: close"))
        client.read()
        let responses = try WireResponse.parse(client.received, heads: [1, 3])
        #expect(responses.map(\.status) == [200, 200, 200, 200, 200, 200])
        #expect(responses.map(\.text) == ["constant", "", "constant", "", "constant", "constant"])
        for response in responses { #expect(response["content-length"] == "8" && response["content-type"] == "text/plain" && response["date"] != nil) }
        #expect(responses.map { $0["connection"] } == [nil, nil, nil, nil, "keep-alive", "close"])
        #expect(server.onLoop { server.figures[.responses2xx] } == 6)
    }

    @Test func `a constant doesn't wait for content that the application leaves unread`() throws {
        defer { server.stop() }
        let client = try server.connect()
        client.send(
            post("/constant", "hello", "Content-Length: 5") + request("POST /constant HTTP/1.1", "Host: a", "Content-Length: 5", "Expect: 100-continue"))
        client.read()
        let responses = try WireResponse.parse(client.received)
        #expect(responses.map(\.text) == ["constant", "constant"])
        #expect(responses.map { $0["connection"] } == [nil, "close"])
    }

    @Test func `the last request that a connection may have closes it, and is counted once`() throws {
        var limits = ConnectionLimits()
        limits.requestsPerConnection = 2
        let server = try ConnectionServer(connectionLimits: limits)
        defer { server.stop() }
        let client = try server.connect()
        client.send(request("GET /constant HTTP/1.1", "Host: a") + request("GET /constant HTTP/1.1", "Host: a"))
        client.read()
        #expect(try WireResponse.parse(client.received).map { $0["connection"] } == [nil, "close"])
        #expect(server.onLoop { server.figures[.limitRequestsPerConnection] } == 1)
    }
}
