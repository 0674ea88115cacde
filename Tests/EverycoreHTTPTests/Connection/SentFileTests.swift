// Files as content: parts of them, files that change while they are sent, and their descriptors.

import EverycoreHTTP
import EverycoreLoop
import Glibc
import Testing

@Suite struct SentFileTests {
    /// Without a name, of that many bytes.
    static func file(_ count: Int) throws -> Int32 {
        var template = Array("/tmp/everycore-stream-XXXXXX\0".utf8CString)
        let descriptor = unsafe template.withUnsafeMutableBufferPointer { buffer -> Int32 in
            guard let base = buffer.baseAddress else { return -1 }
            let descriptor = unsafe mkstemp(base)
            _ = unsafe unlink(base)
            return descriptor
        }
        try #require(descriptor >= 0)
        let piece = (0..<65521).map { UInt8(truncatingIfNeeded: $0 % 251) }
        var left = count
        while left > 0 {
            let written = unsafe piece.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, min(left, $0.count)) }
            try #require(written > 0)
            left -= written
        }
        return descriptor
    }

    /// Owns a descriptor.
    final class Owner: Sendable {
        let descriptor: Int32
        init(_ descriptor: Int32) { self.descriptor = descriptor }
        deinit { close(descriptor) }
    }

    private static func byte(at offset: Int) -> UInt8 { UInt8(truncatingIfNeeded: offset % 65521 % 251) }

    @Test(arguments: [(0, 6_000_000), (12345, 2_000_000), (3, 1000), (7, 0)]) func `parts of files come in order on one connection`(
        offset: Int, length: Int
    ) throws {
        let file = Owner(try Self.file(6_000_000))
        let server = try StreamedResponseTests.answering {
            try? $0.respondFile(status: 200, descriptor: file.descriptor, of: file, offset: Int64(offset), length: Int64(length))
        }
        defer { server.stop() }
        let client = try server.connect(receiveBuffer: 65536)
        client.send(
            StreamedResponseTests.get() + StreamedResponseTests.get(method: "HEAD") + StreamedResponseTests.get()
                + request("GET / HTTP/1.1", "Host: a", "Connection: close"))
        #expect(client.read(seconds: 20) == .closed)
        let responses = try WireResponse.parse(client.received, heads: [1])
        #expect(responses.map(\.body.count).dropLast() == [length, 0, length])
        #expect(responses.map { $0["content-length"] }.dropLast() == ["\(length)", "\(length)", "\(length)"])
        let whole = (offset..<offset + length).map(Self.byte)
        let isRight = responses.first?.body == whole && responses.dropFirst(2).first?.body == whole
        #expect(isRight)
        #expect(server.eventually { $0.openConnections == 0 })
    }

    @Test func `a file that shrinks while it is sent closes the connection`() throws {
        let file = Owner(try Self.file(30_000_000))
        let server = try StreamedResponseTests.answering {
            try? $0.respondFile(status: 200, descriptor: file.descriptor, of: file, offset: 0, length: 30_000_000)
        }
        defer { server.stop() }
        let client = try server.connect(receiveBuffer: 4096)
        client.send(StreamedResponseTests.get() + ConnectionRuleTests.probe)
        #expect(client.read(until: "30000000"))
        #expect(ftruncate(file.descriptor, 20_000_000) == 0)
        #expect(client.read(seconds: 20) != .open)
        #expect(client.received.count < 20_001_000)
        #expect(server.eventually { $0.openConnections == 0 })
        #expect(server.onLoop { server.application.received } == ["/stream"])
    }

    /// The process's memory as a file: pread(2) reads it, sendfile(2) refuses it with EINVAL.
    @Test(arguments: [40_000, 3_000_000]) func `a file that sendfile refuses is read and written`(length: Int) throws {
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: length, alignment: 16)
        defer { unsafe memory.deallocate() }
        for index in 0..<length { unsafe memory[index] = Self.byte(at: index) }
        let offset = Int64(Int(bitPattern: memory.baseAddress))
        let file = Owner(unsafe open("/proc/self/mem", O_RDONLY))
        try #require(file.descriptor >= 0)
        let server = try StreamedResponseTests.answering {
            try? $0.respondFile(status: 200, descriptor: file.descriptor, of: file, offset: offset, length: Int64(length))
        }
        defer { server.stop() }
        let client = try server.connect(receiveBuffer: 4096)
        client.send(StreamedResponseTests.get() + StreamedResponseTests.get() + request("GET / HTTP/1.1", "Host: a", "Connection: close"))
        #expect(client.read(seconds: 20) == .closed)
        let responses = try WireResponse.parse(client.received)
        #expect(responses.map(\.body.count).dropLast() == [length, length])
        #expect(responses.first?.body.elementsEqual((0..<length).map(Self.byte)) == true)
        #expect(server.onLoop { server.application.received } == ["/stream", "/stream", "/"])
    }

    @Test func `a file that sendfile refuses and that is shorter than announced closes the connection`() throws {
        let file = Owner(unsafe open("/proc/self/environ", O_RDONLY))
        try #require(file.descriptor >= 0)
        let server = try StreamedResponseTests.answering {
            try? $0.respondFile(status: 200, descriptor: file.descriptor, of: file, offset: 0, length: 30_000_000)
        }
        defer { server.stop() }
        let client = try server.connect()
        client.send(StreamedResponseTests.get())
        #expect(client.read() != .open)
        #expect(client.received.count > 100 && client.received.count < 1_000_000)
    }

    @Test func `a file's descriptor is closed however its response ends`() throws {
        let file = try Self.file(30_000_000)
        defer { close(file) }
        let server = try StreamedResponseTests.answering {
            let again = Owner(unsafe open("/proc/self/fd/\(file)", O_RDWR))
            try? $0.respondFile(status: 200, descriptor: again.descriptor, of: again, offset: 0, length: 30_000_000)
        }
        defer { server.stop() }
        for _ in 0..<20 {
            let client = try server.connect(receiveBuffer: 4096)
            client.send(StreamedResponseTests.get())
            #expect(client.read(until: "30000000"))
            client.reset()
        }
        let head = try server.connect()
        head.send(StreamedResponseTests.get(method: "HEAD"))
        #expect(head.read(until: "30000000"))
        #expect(server.eventually { $0.openConnections == 1 })
        // A lease is granted when no other process has the file open (fcntl(2), F_SETLEASE).
        let (setLease, writeLease): (Int32, Int32) = (1024, 1)
        #expect(server.eventually { _ in fcntl(file, setLease, writeLease) == 0 })
    }
}
