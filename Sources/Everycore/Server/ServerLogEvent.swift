// The names of what a server logs besides its cluster: the `event=` of each line.
//
// Process: any · Thread: loop

internal import Cluster
internal import Logging

package enum ServerLogEvent: String, CaseIterable {
    case contentFailed = "content_failed"
    case handlerFailed = "handler_failed"
    case handlerTimedOut = "handler_timed_out"
    case openat2Refused = "openat2_refused"
    case responseUnsendable = "response_unsendable"
    case statsdUnreachable = "statsd_unreachable"
}

extension Logger {
    func log(_ level: Level, _ event: ServerLogEvent, _ message: Message, metadata: Metadata? = nil) {
        log(level, event: event.rawValue, message, metadata: metadata)
    }
}
