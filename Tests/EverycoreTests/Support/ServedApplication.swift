// A routed application behind a real HTTPService on a loopback listener, its loop on a thread of its own; and bytes in, bytes out.

import Cluster
import EventLoop
import Everycore
import Glibc
import HTTP
import Logging
import Statistics

/// Serves until it is stopped.
@safe final class ServedApplication {
    let log = LogRecorder()
    private let loop: EventLoop
    private let service: HTTPService
    private let listener: Int32
    private let port: UInt16
    private let memory: UnsafeMutableRawPointer
    private var thread = pthread_t()

    init(_ register: (inout Everycore.Routes) throws -> Void) throws {
        var routes = Everycore.Routes()
        try register(&routes)
        loop = try EventLoop()
        let recorder = log
        let context = WorkerContext(
            worker: WorkerIdentity(slot: 0, generation: 1, pid: 1), loop: loop, log: Logger(label: "test") { _ in recorder })
        let application = RoutedApplication(routes: try routes.built(), context: context, bodyLimit: 1024)
        unsafe memory = .allocate(byteCount: WorkerFigures.byteCount, alignment: 64)
        unsafe memory.initializeMemory(as: UInt8.self, repeating: 0, count: WorkerFigures.byteCount)
        service = unsafe HTTPService(loop: loop, application: application, figures: WorkerFigures(at: memory))
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue), 0)
        var address = Self.address(port: 0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        port = unsafe withUnsafeMutablePointer(to: &address) { [listener] pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                _ = unsafe bind(listener, $0, length)
                _ = listen(listener, 64)
                unsafe getsockname(listener, $0, &length)
            }
            return UInt16(bigEndian: unsafe pointer.pointee.sin_port)
        }
        try service.serve(listener: listener)
        let running = unsafe Unmanaged.passRetained(loop)
        unsafe pthread_create(&thread, nil, { context in
            guard let context = unsafe context else { return nil }
            unsafe Unmanaged<EventLoop>.fromOpaque(context).takeRetainedValue().run()
            return nil
        }, unsafe running.toOpaque())
    }

    func stop() {
        loop.stop()
        pthread_join(thread, nil)
        close(listener)
    }

    deinit { unsafe memory.deallocate() }

    private static func address(port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return address
    }

    /// Sends bytes on a connection of their own and returns all that comes until it closes, at most for five seconds.
    func exchange(_ text: String, bytewise: Bool = false) -> String {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var limit = timeval(tv_sec: 5, tv_usec: 0)
        _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var noDelay: Int32 = 1
        _ = unsafe setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &noDelay, 4)
        var address = Self.address(port: port)
        _ = unsafe withUnsafePointer(to: &address) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        let bytes = Array(text.utf8)
        for start in stride(from: 0, to: bytes.count, by: bytewise ? 1 : max(bytes.count, 1)) {
            let piece = bytewise ? [bytes[start]] : bytes
            _ = unsafe send(descriptor, piece, piece.count, Int32(MSG_NOSIGNAL))
        }
        var received: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = unsafe read(descriptor, &buffer, buffer.count)
            guard count > 0 else { break }
            received += buffer[0..<count]
        }
        return String(decoding: received, as: UTF8.self)
    }
}
