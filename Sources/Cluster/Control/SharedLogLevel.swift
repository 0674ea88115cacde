// The log level that an operator has set, for all processes of the service at once: a word in shared memory that the master writes.
// Process: any · Thread: loop

internal import CEverycorePosix
internal import Glibc
package import Logging

package enum SharedLogLevel {
    /// Made when the first logger asks, which is before the first fork. Without memory for it the levels stay as configured.
    private nonisolated(unsafe) static let word: UnsafeMutablePointer<UInt32>? = {
        let memory = unsafe mmap(nil, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)
        guard let memory = unsafe memory, unsafe memory != MAP_FAILED else { return nil }
        return unsafe memory.bindMemory(to: UInt32.self, capacity: 1)
    }()

    /// Nil for the level that is configured.
    package static var current: Logger.Level? {
        guard let word = unsafe word else { return nil }
        let number = unsafe Int(cposix_load32(word))
        let levels = Logger.Level.allCases
        return (1...levels.count).contains(number) ? levels[number - 1] : nil
    }

    static func set(_ level: Logger.Level?) {
        guard let word = unsafe word else { return }
        let number = level.flatMap { Logger.Level.allCases.firstIndex(of: $0) }.map { $0 + 1 } ?? 0
        unsafe cposix_store32(word, UInt32(number))
    }
}

/// A handler whose level an operator can set.
package struct SteeredLogHandler: LogHandler {
    private var handler: any LogHandler

    package init(_ handler: any LogHandler) {
        self.handler = handler
        _ = SharedLogLevel.current
    }

    package var logLevel: Logger.Level {
        get { SharedLogLevel.current ?? handler.logLevel }
        set { handler.logLevel = newValue }
    }

    package var metadata: Logger.Metadata {
        get { handler.metadata }
        set { handler.metadata = newValue }
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { handler[metadataKey: key] }
        set { handler[metadataKey: key] = newValue }
    }

    package func log(event: LogEvent) { handler.log(event: event) }
}
