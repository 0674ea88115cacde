// Log lines as JSON objects on standard error, one line each, for collectors.
//
// Used in every process of the server. One write(2) for a line of up to 4 KB, so that the lines of several processes don't mix.

internal import Cluster
internal import EverycoreStatistics
internal import Glibc
package import Logging

package struct JSONLogHandler: LogHandler {
    package var logLevel = Logger.Level.info
    package var metadata = Logger.Metadata()

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        let line = Self.line(
            level: event.level, message: event.message.description,
            metadata: metadata.merging(event.metadata ?? [:]) { $1 }, at: Self.now())
        var stream = StandardErrorStream { lost in
            Self.line(
                level: .warning, message: "log lines were lost: the reader was too slow", metadata: ["event": "log_lines_lost", "lost": "\(lost)"],
                at: Self.now())
        }
        stream.write(line)
    }

    /// - Parameter time: milliseconds since 1970.
    package static func line(level: Logger.Level, message: String, metadata: Logger.Metadata, at time: UInt64) -> String {
        JSONWriter.object { line in
            line.member("time", Double(time) / 1000)
            line.member("level", level.rawValue)
            line.member("message", message)
            for (key, value) in metadata.sorted(by: { $0.key < $1.key }) { line.member(key, value.description) }
        } + "\n"
    }

    private static func now() -> UInt64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return UInt64(clamping: time.tv_sec) &* 1000 &+ UInt64(clamping: time.tv_nsec / 1_000_000)
    }
}
