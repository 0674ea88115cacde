// A configuration file's bytes. Runs in the master, before the fork and again at a reload: plain blocking system calls,
// because `FileProvider` of swift-configuration reads asynchronously, which would start threads.

import Glibc

/// Why a file can't be read, without its name.
package struct FileFailure: Error, Equatable {
    package let reason: String
}

/// Longer files are refused: a configuration that needs a megabyte is some other file.
package let configurationFileLimit = 1 << 20

package func fileBytes(at path: String) throws(FileFailure) -> [UInt8] {
    guard !path.isEmpty, !path.utf8.contains(0) else { throw FileFailure(reason: "is no file's name") }
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw FileFailure(reason: "can't be opened: \(message(errno))") }
    defer { close(descriptor) }

    var bytes: [UInt8] = []
    while bytes.count <= configurationFileLimit {
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
        if chunk.isEmpty { return bytes }
        bytes += chunk
    }
    throw FileFailure(reason: "is larger than \(configurationFileLimit) bytes")
}

private func message(_ error: Int32) -> String {
    unsafe String(cString: strerror(error))
}
