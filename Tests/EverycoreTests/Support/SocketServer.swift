// An application behind real sockets: the HTTP layer on a loopback listener, its loop on a thread of its own.

import EverycoreLoop
import Everycore
import Glibc
import EverycoreHTTP
import Logging
import EverycoreStatistics
import Testing

/// Serves until it goes.
@safe final class SocketServer: @unchecked Sendable {
    private(set) var port: UInt16 = 0
    private let loop: EventLoop
    private let service: HTTPService
    private let memory: UnsafeMutableRawPointer
    private let listener: Int32
    private var thread = pthread_t()

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
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
        port = Self.listen(listener)
        try service.serve(listener: listener)
        let unmanaged = unsafe Unmanaged.passRetained(loop)
        unsafe pthread_create(&thread, nil, { context in
            guard let context = unsafe context else { return nil }
            unsafe Unmanaged<EventLoop>.fromOpaque(context).takeRetainedValue().run()
            return nil
        }, unsafe unmanaged.toOpaque())
    }

    private static func listen(_ descriptor: Int32) -> UInt16 {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        return unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
                #expect(unsafe bind(descriptor, raw, size) == 0)
                #expect(Glibc.listen(descriptor, 16) == 0)
                #expect(unsafe getsockname(descriptor, raw, &size) == 0)
            }
            return unsafe UInt16(bigEndian: pointer.pointee.sin_port)
        }
    }

    /// A connection to the server, whose reads fail after five seconds.
    func connect() -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var wait = timeval(tv_sec: 5, tv_usec: 0)
        _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &wait, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        address.sin_port = port.bigEndian
        let connected = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        #expect(connected == 0)
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
        loop.stop()
        pthread_join(thread, nil)
        close(listener)
        unsafe memory.deallocate()
    }
}
