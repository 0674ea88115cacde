// The seam between the command and the server.
// Runs in the process that becomes the master, with exactly one thread; returns after an orderly stop.

import Everycore

func startServer(_ configuration: ServerConfiguration) throws {
    throw ServerError.failed("this build of everycore has no server in it")
}
