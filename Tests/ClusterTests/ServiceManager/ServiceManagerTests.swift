// What a service manager such as systemd is told, read from a socket of the test's own.

import Cluster
import EverycoreLoop
import Glibc
import Testing

/// The manager's side is a socket of the test's own; what is sent is there at once.
@Suite struct ServiceManagerTests {
    private let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
    private let loop: EventLoop
    private let manager: ServiceManager

    init() throws {
        // The kernel chooses an abstract name: five hexadecimal digits (unix(7), autobind).
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        var length = socklen_t(MemoryLayout<sa_family_t>.size)
        let descriptor = descriptor
        unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                _ = unsafe bind(descriptor, address, length)
                length = socklen_t(MemoryLayout<sockaddr_un>.size)
                _ = unsafe getsockname(descriptor, address, &length)
            }
        }
        let name = unsafe withUnsafeBytes(of: address.sun_path) { unsafe String(decoding: $0[1..<6], as: UTF8.self) }
        loop = try EventLoop()
        manager = try #require(ServiceManager(loop: loop, path: "@\(name)", watchdog: nil))
    }

    /// The lines of the next message.
    private func next() -> [String]? {
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = unsafe bytes.withUnsafeMutableBytes { unsafe recv(descriptor, $0.baseAddress, $0.count, 0) }
        guard count > 0 else { return nil }
        return String(decoding: bytes.prefix(count), as: UTF8.self).split(separator: "\n").map(String.init)
    }

    @Test func readinessIsToldOnce() {
        defer { close(descriptor) }
        manager.ready("one")
        manager.ready("two")
        #expect(next() == ["READY=1", "MAINPID=\(getpid())", "STATUS=one"])
        #expect(next() == nil)
    }

    @Test func aReloadBeginsWithItsTimeAndEndsReady() {
        defer { close(descriptor) }
        manager.reloaded("no reload began")
        #expect(next() == nil)
        let before = EventLoop.monotonicNanoseconds() / 1000
        manager.reloading()
        let lines = next()
        #expect(lines?.first == "RELOADING=1")
        let time = lines?.dropFirst().first?.split(separator: "=").last.flatMap { UInt64($0) } ?? 0
        #expect(time >= before && time <= EventLoop.monotonicNanoseconds() / 1000)
        manager.reloaded("anew")
        #expect(next() == ["READY=1", "MAINPID=\(getpid())", "STATUS=anew"])
    }

    @Test func nothingFollowsTheStop() {
        defer { close(descriptor) }
        manager.stopping(within: .seconds(1))
        #expect(next() == ["STOPPING=1", "EXTEND_TIMEOUT_USEC=6000000", "STATUS=stopping"])
        manager.ready("too late")
        manager.reloading()
        manager.stopping(within: .seconds(9))
        #expect(next() == nil)
    }

    @Test func aSuccessorIsNamed() {
        defer { close(descriptor) }
        manager.handOver(to: 4711)
        #expect(next() == ["MAINPID=4711"])
    }

    @Test func aManagerThatIsGoneHoldsNothingUp() throws {
        close(descriptor)
        for path in ["@everycore-nobody-\(getpid())", "/nonexistent/notify", "/" + String(repeating: "x", count: 200)] {
            let manager = try #require(ServiceManager(loop: loop, path: path, watchdog: nil))
            manager.ready("no manager listens")
            manager.stopping(within: .zero)
        }
        #expect(ServiceManager(loop: loop, path: "vsock:2:1234", watchdog: nil) == nil)
    }
}
