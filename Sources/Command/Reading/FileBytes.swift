// A configuration file's bytes. Runs in the master, before the fork and again at a reload: synchronous system calls,
// because `FileProvider` of swift-configuration reads asynchronously, which would start threads.
// Process: master · Thread: main, before the fork and at a reload

#if Command
import Glibc

/// Why a file can't be read, without its name.
package struct FileFailure: Error, Equatable {
    package let reason: String
}

/// Longer files are refused: they are no configuration.
package let configurationFileLimit = 1 << 20

/// How long a pipe or a terminal may take to deliver it.
private let configurationPipePatience = Duration.seconds(5)

package func fileBytes(at path: String) throws(FileFailure) -> [UInt8] {
    guard !path.isEmpty, !path.utf8.contains(0) else { throw FileFailure(reason: "is no file's name") }
    // A pipe without a writer, such as the one of `--config <(…)` at a reload, would block the master for ever.
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw FileFailure(reason: "can't be opened: \(message(errno))") }
    defer { close(descriptor) }

    var bytes: [UInt8] = []
    let deadline = ContinuousClock.now + configurationPipePatience
    while bytes.count <= configurationFileLimit {
        guard isReadable(descriptor, until: deadline) else {
            throw FileFailure(reason: "is no file, and did not come to its end within \(configurationPipePatience.components.seconds) s")
        }
        var failure: Int32 = 0
        let chunk = unsafe [UInt8](unsafeUninitializedCapacity: 16384) { buffer, count in
            var result: Int
            repeat {
                result = unsafe read(descriptor, buffer.baseAddress, buffer.count)
            } while result < 0 && errno == EINTR
            failure = result < 0 ? errno : 0
            count = max(result, 0)
        }
        guard failure == 0 else { throw FileFailure(reason: "can't be read: \(message(failure))") }
        if chunk.isEmpty {
            if bytes.isEmpty, isPipe(descriptor) { throw FileFailure(reason: "is a pipe with nothing in it (each can be read once)") }
            return bytes
        }
        bytes += chunk
    }
    throw FileFailure(reason: "is larger than \(configurationFileLimit) bytes")
}

/// Waits until there are bytes, or the end; a file has them at once.
private func isReadable(_ descriptor: Int32, until deadline: ContinuousClock.Instant) -> Bool {
    var interest = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    while true {
        let left = (deadline - ContinuousClock.now) / .milliseconds(1)
        let result = unsafe poll(&interest, 1, Int32(max(0, left.rounded(.up))))
        if result > 0 { return true }
        if result == 0 || errno != EINTR { return false }
    }
}

private func isPipe(_ descriptor: Int32) -> Bool {
    var status = stat()
    return unsafe fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFIFO
}

private func message(_ error: Int32) -> String {
    unsafe String(cString: strerror(error))
}
#endif
