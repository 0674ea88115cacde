// Where the command becomes the server.
// Runs in the process that becomes the master, with exactly one thread; returns after an orderly stop.

import Everycore

func startServer(_ configuration: ServerConfiguration) throws {
    try Server(configuration: configuration).run()
}
