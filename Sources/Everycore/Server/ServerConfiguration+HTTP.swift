// A configuration's settings in the forms in which the HTTP layer takes them.
//
// Runs in the workers, when they start. Pure.

package import EverycoreHTTP
internal import EverycoreLoop

extension ServerConfiguration {
    package var httpLimits: HTTPLimits {
        HTTPLimits(
            requestLine: limits.requestLine, target: limits.target, fieldLine: limits.fieldLine,
            headerSection: limits.headerSection, fieldCount: limits.fieldCount, body: limits.body,
            chunkExtensions: limits.chunkExtensions, trailerSection: limits.trailerSection)
    }

    package var connectionTimeouts: ConnectionTimeouts {
        var result = ConnectionTimeouts()
        result.header = timeouts.header.wholeNanoseconds
        result.body = timeouts.body.wholeNanoseconds
        result.idle = timeouts.idle.wholeNanoseconds
        result.write = timeouts.write.wholeNanoseconds
        result.handler = timeouts.handler?.wholeNanoseconds ?? 0
        return result
    }

    package var accessLogSettings: EverycoreHTTP.AccessLog.Settings {
        var result = EverycoreHTTP.AccessLog.Settings()
        result.format =
            switch accessLog.format {
            case .common: .common
            case .combined: .combined
            case .json: .json
            }
        result.sample = accessLog.sample
        result.slowerThan = accessLog.slowerThan?.wholeNanoseconds ?? 0
        return result
    }

    package var connectionLimits: ConnectionLimits {
        var result = ConnectionLimits()
        result.requestsPerConnection = limits.requestsPerConnection
        result.connections = limits.connections
        result.bodyMinimumRate = UInt64(clamping: rates.bodyMinimum)
        return result
    }
}
