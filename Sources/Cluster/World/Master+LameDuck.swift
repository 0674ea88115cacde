// The first order to go, and the time for which the cluster serves on after it. Runs in the master.

internal import EverycoreLoop
internal import Glibc
internal import Logging

extension Master {
    /// TERM or INT has come. TERM is what service managers and orchestrators send, for whom the lame duck is meant; nobody who presses
    /// Control-C wants to wait for a load balancer.
    func askedToStop(_ signal: Int32) {
        if stopOrders.received(now: EventLoop.monotonicNanoseconds()) == .repeated { return }
        abandonUpgrade()
        if goesOnHandingOver(after: signal) { return }
        guard stopping == .running, lameDuckTimer == nil else { return leaveAtOnce() }
        guard signal == SIGTERM, options.lameDuck > .zero else { return beginStop() }
        log(.info, .lameDuckStarted, "not ready any more: serving on", ["for": "\(options.lameDuck.inSeconds)"])
        tellStopping(within: options.lameDuck + options.drainDeadline)
        // Dead workers are still replaced meanwhile: `stopping` is as it was.
        lameDuckTimer = loop.after(options.lameDuck) { [unowned self] in
            lameDuckTimer = nil
            beginStop()
        }
        for child in children.values where child.role.isWorker { sendLameDuck(to: child) }
    }

    func sendLameDuck(to child: Child) {
        guard child.role.isWorker, child.phase != .dying else { return }
        do throws(MessageError) {
            try child.channel.send(control: Packet(.lameDuck))
        } catch {
            log(.debug, .noticeNotSent, "could not send notice of the coming drain", about: child, ["reason": "\(error)"])
        }
    }
}
