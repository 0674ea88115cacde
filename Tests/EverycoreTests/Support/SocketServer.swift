// An application behind real sockets: the HTTP layer on a loopback listener, its loop on a thread of its own.

import Everycore
import EverycoreHTTP
import EverycoreLoop
import EverycoreStatistics
import Glibc
import Logging
import TestSupport
import Testing

/// Serves until it goes.
@safe final class SocketServer: @unchecked Sendable {
    let port: UInt16
    private let loop: EventLoop
    private let service: HTTPService
    private let memory: UnsafeMutableRawPointer
    private let listener: Int32
    private let thread: LoopThread

    init(files: StaticFiles? = nil, compressor: ResponseCompressor? = nil, _ register: (inout Everycore.Routes) throws -> Void = { _ in }) throws {
        var routes = Everycore.Routes()
        try register(&routes)
        unsafe memory = .allocate(byteCount: WorkerFigures.byteCount, alignment: 64)
        unsafe memory.initializeMemory(as: UInt8.self, repeating: 0, count: WorkerFigures.byteCount)
        loop = try EventLoop()
        let context = WorkerContext(
            worker: WorkerIdentity(slot: 0, generation: 1, pid: 1), loop: loop, log: Logger(label: "test") { _ in LogRecorder() })
        let application = RoutedApplication(
            routes: try routes.built(hasFiles: files != nil), context: context, bodyLimit: 1024, files: files, compressor: compressor)
        service = unsafe HTTPService(
            loop: loop, application: application, timeouts: ConnectionTimeouts(), figures: WorkerFigures(at: memory))
        listener = try Endpoint.ipv4(0).listening(waits: false)
        port = Endpoint.port(of: listener)
        try service.serve(listener: listener)
        thread = LoopThread(loop)
    }

    /// A connection to the server, whose reads fail after five seconds.
    func connect() -> Int32 {
        let descriptor = (try? Endpoint.ipv4(port).connectingAndWaiting()) ?? -1
        #expect(descriptor >= 0)
        return descriptor
    }

    /// Sends a text, whole or byte by byte, and reads to the end of the connection, or until `atLeast` bytes have come.
    func exchange(_ text: String, bytewise: Bool = false, atLeast: Int = .max) -> [UInt8] {
        let descriptor = connect()
        defer { close(descriptor) }
        if bytewise {
            var noDelay: Int32 = 1
            _ = unsafe setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &noDelay, 4)
            for byte in text.utf8 {
                // The server may have refused and closed before the last byte.
                _ = unsafe Glibc.send(descriptor, [byte], 1, Int32(MSG_NOSIGNAL))
            }
        } else {
            Self.send(text, to: descriptor)
        }
        return Self.read(descriptor, atLeast: atLeast)
    }

    static func send(_ text: String, to descriptor: Int32) {
        let bytes = Array(text.utf8)
        #expect(unsafe bytes.withUnsafeBytes { unsafe write(descriptor, $0.baseAddress, $0.count) } == bytes.count)
    }

    static func read(_ descriptor: Int32, atLeast: Int = .max) -> [UInt8] {
        var result: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while result.count < atLeast {
            let count = unsafe buffer.withUnsafeMutableBytes { unsafe Glibc.read(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { break }
            result += buffer.prefix(count)
        }
        return result
    }

    deinit {
        thread.stop()
        close(listener)
        unsafe memory.deallocate()
    }
}
