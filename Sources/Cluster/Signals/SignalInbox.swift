// The signals of a process as one loop receives them, with what libevent's handlers don't pass on: whether the kernel itself sent them.
// What came before the inbox was there comes first. A handler, not a mask or a signalfd: programs that are started from this process
// inherit a mask (execve(2)).
//
// Process: master · Thread: loop

internal import CEverycorePosix
internal import EverycoreLoop
internal import Glibc

struct SignalArrival {
    let number: Int32
    /// Sent by the kernel, as HUP is at the loss of a terminal (SI_KERNEL, sigaction(2)).
    let isFromKernel: Bool
}

final class SignalInbox {
    /// In this order: the dead first, and an order to stop after what it ends.
    private static let numbers = [SIGCHLD, SIGHUP, SIGUSR1, SIGUSR2, SIGTTIN, SIGTTOU, SIGINT, SIGTERM, SIGQUIT]
    /// Each of them counts; of the others several at once say no more than one.
    private static let counted: Set<Int32> = [SIGTTIN, SIGTTOU]

    private let wakeUp: (reader: Int32, writer: Int32)
    private var watch: DescriptorWatch?

    init() throws(SystemError) {
        var (reader, writer): (Int32, Int32) = (-1, -1)
        _ = try systemCall("make a descriptor for signals") { unsafe cposix_wake_up_pair(&reader, &writer) }
        wakeUp = (reader, writer)
    }

    /// From here on signals are for the loop.
    func start(on loop: EventLoop, _ onArrival: @escaping (SignalArrival) -> Void) throws(SystemError) {
        let reader = wakeUp.reader
        watch = try loop.watch(reader, for: .read) { _ in
            var count: UInt64 = 0
            _ = unsafe read(reader, &count, 8)
            for number in Self.numbers { Self.take(number, onArrival) }
        }
        cposix_watch_signals(wakeUp.writer)
    }

    private static func take(_ number: Int32, _ onArrival: (SignalArrival) -> Void) {
        var byKernel: UInt32 = 0
        let count = unsafe cposix_take_signal(number, &byKernel)
        guard count > 0 else { return }
        if byKernel > 0 { onArrival(SignalArrival(number: number, isFromKernel: true)) }
        let others = count &- byKernel
        // A process that sends without end gets no more than this at once.
        for _ in 0..<min(others, counted.contains(number) ? 64 : 1) {
            onArrival(SignalArrival(number: number, isFromKernel: false))
        }
    }

    /// The process is no master any more.
    /// - Parameter passesOn: another process gets its signals by now (cposix_pass_on_orders).
    func stop(passesOn: Bool) {
        if !passesOn { cposix_stop_watching_signals() }
        watch = nil
        closeInherited()
    }

    /// Runs in a child, whose own dispositions take the place of these.
    func closeInherited() {
        close(wakeUp.reader)
        if wakeUp.writer != wakeUp.reader { close(wakeUp.writer) }
    }
}
