// Files of which the file system doesn't know what will be read: those that are made while they are read (proc(5), sysfs(5), some that
// user-space file systems offer), and those that are written all the time.
//
// Made in the workers, for one request. Such an answer has no version: no tag, no date, no ranges, and no cache keeps it.

extension OpenFile {
    /// An answer with what can be read, as much as that is.
    /// - Parameter coding: in which the bytes are.
    func unversioned(contentType: String, coding: String?) -> Response {
        var response = Response(contentType: .text(contentType), body: .empty)
        response.headers.add("Cache-Control", "no-store")
        if let coding { response.headers.add("Content-Encoding", coding) }
        guard let start = read(at: 0, count: Self.bufferSize) else { return HTTPError(503, "the file can't be read").response }
        guard start.count == Self.bufferSize else {
            response.body = .bytes(start)
            return response
        }
        // Without a length the end has to be shown by the last chunk, or by the connection's end.
        response.body = .stream(
            StreamedContent(length: nil) { writer in
                var (piece, offset) = (start, Int64(0))
                while !piece.isEmpty {
                    try await writer.write(piece)
                    offset += Int64(piece.count)
                    guard let next = self.read(at: offset, count: Self.bufferSize) else { throw UnreadableFile() }
                    piece = next
                }
            })
        return response
    }
}

private struct UnreadableFile: Error, CustomStringConvertible {
    var description: String { "the file can't be read on" }
}
