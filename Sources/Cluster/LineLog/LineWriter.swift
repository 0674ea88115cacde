// The process that writes the lines of all workers: no worker waits for a disk or a reader, and a worker that is killed loses none. It runs as
// the workers' user, with the file that the master has opened. One at a time: two would take the same lines.
// Process: writer · Thread: loop

internal import EverycoreLoop
internal import Glibc
internal import Logging

/// What the master gives it.
struct LineWriterBirth {
    let rings: LineRings
    /// Readable when a ring fills.
    let wake: Int32
    /// Nil for the standard output.
    let file: OwnedDescriptor?
}

final class LineWriter {
    private let worker: Worker
    private let wake: Int32
    private var output: any LineOutput
    private var sweep: LineSweep
    private var pace = LineWriterPace()
    private var timer: LoopTimer?
    private var watch: DescriptorWatch?
    /// The process is to go.
    private var done: (() -> Void)?
    private var hasFailed = false

    /// In one turn of the loop.
    private static let timeSlice: UInt64 = 20_000_000

    private init(_ birth: LineWriterBirth, in worker: Worker) {
        self.worker = worker
        wake = birth.wake
        sweep = LineSweep(birth.rings)
        output = birth.file.map { FileOutput($0) } ?? StandardOutput()
        sweep.recover(output.place)
    }

    /// Lives as long as the process.
    static func start(_ birth: LineWriterBirth, in worker: Worker) throws(SystemError) {
        let writer = LineWriter(birth, in: worker)
        writer.timer = worker.loop.after(.zero) { writer.pass() }
        writer.watch = try worker.loop.watch(birth.wake, for: .read) { _ in writer.woken() }
        worker.channel.onDescriptor = { packet, descriptor in writer.receive(packet, descriptor) }
        worker.onDrain { done in
            writer.done = done
            writer.pass()
        }
    }

    private func woken() {
        var count: (UInt64, UInt64) = (0, 0)
        _ = unsafe withUnsafeMutableBytes(of: &count) { unsafe read(wake, $0.baseAddress, $0.count) }
        if !pace.isHeld { pass() }
    }

    /// Writes what waits, for as long as it may and can.
    private func pass() {
        let end = EventLoop.monotonicNanoseconds() &+ Self.timeSlice
        var result = LineWriterPace.Result.idle
        repeat {
            switch sweep.write(to: output) {
            case .nothing: return passed(result == .yielded ? .wrote : .idle, isDone: true)
            case .full: return passed(result == .yielded ? .filled : .full, isDone: false)
            case .failed(let code): return failed(code)
            case .wrote:
                result = .yielded
                noteSuccess()
            }
        } while EventLoop.monotonicNanoseconds() < end
        passed(.yielded, isDone: false)
    }

    private func passed(_ result: LineWriterPace.Result, isDone: Bool) {
        // A successor goes on where this one ends; when the cluster stops, all lines are to be written first.
        if let done, isDone || worker.isHandingOver { return done() }
        timer?.restart(after: pace.delay(after: result))
    }

    private func failed(_ code: Int32) {
        if !hasFailed {
            hasFailed = true
            let error = SystemError(errno: code, operation: "write the access log")
            worker.logger.log(
                .error, .accessLogFailed, "the access log can't be written: lines wait, and are lost when their memory is full",
                metadata: ["reason": "\(error)"])
        }
        passed(.failed, isDone: false)
    }

    private func noteSuccess() {
        guard hasFailed else { return }
        hasFailed = false
        worker.logger.log(.notice, .accessLogResumed, "the access log is written again")
    }

    // MARK: Another file

    private func receive(_ packet: Packet, _ descriptor: Int32) {
        guard packet.kind == .lineFile, let number = packet.numbered?.number, descriptor >= 0 else {
            if descriptor >= 0 { _ = close(descriptor) }
            return
        }
        sweep.endLine(on: output)
        output = FileOutput(OwnedDescriptor(descriptor))
        try? worker.channel.send(control: Packet(.lineFileTaken, number: number))
        pass()
    }
}
