// A configuration's settings in the forms in which the HTTP layer takes them.
//
// Runs in the workers, when they start. Pure.

package import EverycoreHTTP

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

    package var connectionLimits: ConnectionLimits {
        var result = ConnectionLimits()
        result.requestsPerConnection = limits.requestsPerConnection
        result.connections = limits.connections
        result.bodyMinimumRate = UInt64(clamping: rates.bodyMinimum)
        return result
    }
}

extension Duration {
    /// Nanoseconds, at least 0 and at most what fits (584 years).
    fileprivate var wholeNanoseconds: UInt64 {
        let (seconds, attoseconds) = components
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        let (whole, overflows) = UInt64(seconds).multipliedReportingOverflow(by: 1_000_000_000)
        guard !overflows else { return .max }
        let (sum, exceeds) = whole.addingReportingOverflow(UInt64(attoseconds / 1_000_000_000))
        return exceeds ? .max : sum
    }
}
