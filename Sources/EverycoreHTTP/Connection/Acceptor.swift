// Takes connections from one listener. Worker process, on the loop's thread; owned by the service.

import CEverycorePosix
import EverycoreLoop
import Glibc

final class Acceptor {
    private unowned let service: HTTPService
    let listener: Int32
    private var watch: DescriptorWatch?
    private var pause: LoopTimer?

    /// How many connections are taken before others get their turn.
    private static let batch = 16

    init(service: HTTPService, listener: Int32) throws(SystemError) {
        self.service = service
        self.listener = listener
        setOptions()
        watch = try service.loop.watch(listener, for: .read) { [unowned self] _ in
            accept(atMost: Self.batch)
        }
    }

    /// What accepted sockets inherit, so that it costs no connection anything. Sockets other than TCP's don't have these options, and
    /// nothing but the bound that an option sets is lost where one is refused.
    ///
    /// Any process that has the listener can change them for all: the service sets them again while it has connections.
    func setOptions() {
        // What waits in the kernel for a client that doesn't read is bounded, where it would be some MB: many such clients would use
        // up the memory that all of TCP shares (`tcp_mem`, tcp(7)).
        set(Int32(IPPROTO_TCP), TCP_NOTSENT_LOWAT, Pace.unsentBound)
        // A host that vanished sends no end: probes find out. They also bring the reset of a client that closed its socket while
        // nothing was sent to it.
        let peer = Int32(clamping: service.timeouts.peer / 1_000_000_000)
        guard peer > 0 else { return }
        set(SOL_SOCKET, SO_KEEPALIVE, 1)
        set(Int32(IPPROTO_TCP), TCP_KEEPIDLE, max(peer / 2, 1))
        set(Int32(IPPROTO_TCP), TCP_KEEPINTVL, max(peer / 6, 1))
        set(Int32(IPPROTO_TCP), TCP_KEEPCNT, 3)
        // The same for bytes that are never acknowledged or never taken, also when the descriptor is closed: else the kernel keeps
        // them for many minutes. Not before the time in which a client has to take something.
        let milliseconds = max(service.timeouts.peer, service.timeouts.write) / 1_000_000
        if service.timeouts.write > 0 { set(Int32(IPPROTO_TCP), TCP_USER_TIMEOUT, Int32(clamping: milliseconds)) }
    }

    private func set(_ level: Int32, _ option: Int32, _ value: Int32) {
        var value = value
        _ = unsafe setsockopt(listener, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
    }

    /// Empties the queue of connections that the kernel has completed. Bounded, because new ones may keep coming.
    func acceptRemaining() {
        pause = nil
        accept(atMost: 4096)
    }

    private func accept(atMost count: Int) {
        for _ in 0..<count {
            if !service.hasRoom {
                // Evict an idle connection only if another is pending.
                guard hasWaiting else { return }
                guard service.makeRoom() else {
                    service.acceptingPaused?(true)
                    return rest()
                }
            }
            let descriptor = cposix_accept(listener)
            guard descriptor >= 0 else {
                switch errno {
                case EINTR, ECONNABORTED: continue
                case EAGAIN: return
                case EMFILE, ENFILE, ENOBUFS, ENOMEM:
                    if service.makeRoom() { continue }
                    service.acceptingPaused?(false)
                    return rest()
                default: return rest()
                }
            }
            service.admit(descriptor)
        }
    }

    private var hasWaiting: Bool {
        var queue = pollfd(fd: listener, events: Int16(POLLIN), revents: 0)
        return unsafe poll(&queue, 1, 0) > 0
    }

    /// A connection has closed where all were in use.
    func thereIsRoom() {
        pause = nil
        watch?.resume()
    }

    /// Out of connections, descriptors or memory: the listener stays readable, so without a pause the loop would spin. After it
    /// some connection may have become idle.
    private func rest() {
        watch?.pause()
        pause = service.loop.after(.milliseconds(100)) { [unowned self] in
            pause = nil
            watch?.resume()
        }
    }
}
