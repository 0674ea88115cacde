// Facts about how settings reach the HTTP layer.

import Everycore
import EverycoreHTTP
import Testing

struct ServerConfigurationHTTPTests {
    @Test func `timeouts arrive in nanoseconds, and a handler without one has none`() {
        var configuration = ServerConfiguration()
        configuration.timeouts.header = .milliseconds(1500)
        configuration.timeouts.body = .seconds(-1)
        configuration.timeouts.idle = .seconds(Int64.max)
        configuration.timeouts.handler = nil
        let timeouts = configuration.connectionTimeouts
        #expect(timeouts.header == 1_500_000_000)
        #expect(timeouts.body == 0)
        #expect(timeouts.idle == 1 << 62)  // The longest time, 146 years.
        #expect(timeouts.handler == 0)
    }

    @Test func `the defaults of both layers agree`() {
        let configuration = ServerConfiguration()
        #expect(configuration.httpLimits == HTTPLimits())
        let (ours, theirs) = (configuration.connectionTimeouts, ConnectionTimeouts())
        #expect(ours.header == theirs.header && ours.body == theirs.body && ours.idle == theirs.idle)
        #expect(ours.write == theirs.write && ours.handler == theirs.handler)
        #expect(configuration.connectionLimits.bodyMinimumRate == ConnectionLimits().bodyMinimumRate)
    }
}
