// Where the command becomes the server.
// Runs in the process that becomes the master, with exactly one thread; returns after an orderly stop.
// Process: master, before the fork · Thread: main

#if Command
import Everycore

/// - Parameter read: reads the configuration; called again on HUP.
func startServer(_ read: @escaping () throws -> ServerConfiguration) throws {
    try Server(demonstrationWith: read()).run { try Server(demonstrationWith: read()) }
}
#endif
