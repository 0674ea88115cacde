// How a process asks the master for the application's metrics of all processes.
// Process: worker · Thread: loop

internal import EverycoreLoop
package import EverycoreStatistics
internal import Logging

struct MetricsRequests {
    var last: UInt32 = 0
    var pending: [UInt32: (done: (MetricsFigures?) -> Void, timeout: LoopTimer)] = [:]

    /// An answer answers all questions that were asked before its own. Numbers wrap around.
    mutating func take(answeredBy number: UInt32) -> [(MetricsFigures?) -> Void] {
        let answered = pending.keys.filter { Int32(bitPattern: number &- $0) >= 0 }
        return answered.compactMap { pending.removeValue(forKey: $0)?.done }
    }
}

extension Worker {
    /// Whether the program counts metrics of its own.
    package var countsMetrics: Bool { MetricsMemory.region != nil }

    /// Asks the master for the application's metrics, summed over all processes as they are now.
    /// - Parameter done: called on the loop, once; with nil when the master hasn't answered within five seconds, or counts none.
    package func requestMetrics(_ done: @escaping (MetricsFigures?) -> Void) {
        guard countsMetrics else { return done(nil) }
        metricsRequests.last &+= 1
        let number = metricsRequests.last
        do throws(MessageError) {
            try channel.send(bulk: Packet(.metricsRequest, number: number))
        } catch {
            logger.log(.warning, .figuresNotAsked, "could not ask the master for metrics", metadata: ["reason": "\(error)"])
            return done(nil)
        }
        let timeout = loop.after(.seconds(5)) { [unowned self] in
            metricsRequests.pending.removeValue(forKey: number)?.done(nil)
        }
        metricsRequests.pending[number] = (done, timeout)
    }

    /// - Parameter descriptor: of the file that came along, or -1.
    func receiveMetrics(_ packet: Packet, _ descriptor: Int32) {
        let figures = MetricsFigures(packet, descriptor)
        guard let number = packet.numbered?.number else { return }
        for done in metricsRequests.take(answeredBy: number) { done(figures) }
    }
}
