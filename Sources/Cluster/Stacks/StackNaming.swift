// Has frames named by a process of its own: symbol tables are long, and their files may hold anything. One at a time is forked where there
// is something to name; it runs as the workers do, and ends with its answer or at its deadline. What it answers is not believed either.
// Process: master · Thread: loop

internal import CEverycorePosix
internal import EverycoreLoop
internal import Glibc

final class StackNaming {
    /// What is being named now.
    private struct Work {
        var requests: [(request: StackRequest, done: ([String]?) -> Void)]
        let pid: Int32
        let descriptor: Int32
        let watch: DescriptorWatch
        let deadline: LoopTimer
        var answer: [UInt8] = []
    }

    private let context: MasterContext
    private let pool: WorkerPool
    private var queue: [(request: StackRequest, done: ([String]?) -> Void)] = []
    private var work: Work?

    private static let batch = 64
    private static let queueLimit = 4096
    private static let deadline = Duration.seconds(5)
    private static let answerLimit = 1 << 20

    init(_ context: MasterContext, pool: WorkerPool) {
        self.context = context
        self.pool = pool
    }

    func stop() {
        queue = []
        end()
    }

    /// - Parameter done: gets the names, the innermost function first; nil where there are none.
    func name(_ request: StackRequest, _ done: @escaping ([String]?) -> Void) {
        guard queue.count < Self.queueLimit else { return done(nil) }
        queue.append((request, done))
        startNext()
    }

    private func startNext() {
        guard work == nil, !queue.isEmpty else { return }
        let requests = Array(queue.prefix(Self.batch))
        queue.removeFirst(requests.count)
        do throws(SystemError) {
            try start(requests)
        } catch {
            for (_, done) in requests { done(nil) }
        }
    }

    private func start(_ requests: [(request: StackRequest, done: ([String]?) -> Void)]) throws(SystemError) {
        let (ours, theirs) = try socketPair(SOCK_STREAM, bufferByteCount: 1 << 18)
        let names = StackNames(serviceModules: context.plan.serviceModules)
        let pid = cposix_fork_blocking_signals()
        if pid == 0 { Self.answer(requests.map(\.request), names, as: context.options, to: theirs) }
        let code = errno
        close(theirs)
        guard pid > 0 else {
            close(ours)
            throw SystemError(errno: code, operation: "fork")
        }
        pool.helpers.insert(pid)
        let watch: DescriptorWatch
        do throws(SystemError) { watch = try context.loop.watch(ours, for: .read) { [unowned self] _ in receive() } } catch {
            kill(pid, SIGKILL)
            close(ours)
            throw error
        }
        let deadline = context.loop.after(Self.deadline) { [unowned self] in finish() }
        work = Work(requests: requests, pid: pid, descriptor: ours, watch: watch, deadline: deadline)
    }

    private func receive() {
        guard let descriptor = work?.descriptor else { return }
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        // Each call takes a part: others have their turn in between.
        let count = unsafe bytes.withUnsafeMutableBytes { unsafe read(descriptor, $0.baseAddress, $0.count) }
        if count < 0, errno == EAGAIN || errno == EINTR { return }
        guard count > 0 else { return finish() }
        work?.answer += bytes[..<count]
        if work?.answer.count ?? 0 > Self.answerLimit { finish() }
    }

    private func finish() {
        guard let work else { return }
        end()
        let stacks = StackNames.stacks(in: work.answer)
        for (index, entry) in work.requests.enumerated() { entry.done(index < stacks.count && !stacks[index].isEmpty ? stacks[index] : nil) }
        startNext()
    }

    private func end() {
        guard let work else { return }
        self.work = nil
        // Until it is reaped its number is its own.
        if pool.helpers.contains(work.pid) { kill(work.pid, SIGKILL) }
        // In the order that epoll wants: the watch goes before its descriptor.
        work.watch.cancel()
        close(work.descriptor)
    }

    // MARK: In the process that names

    private static func answer(_ requests: [StackRequest], _ names: StackNames, as options: ClusterOptions, to descriptor: Int32) -> Never {
        cposix_become_reader(descriptor, 4)
        unsafe cposix_set_process_name("everycore-names")
        // Who sees the workers is who they run as.
        do { try (options.credentials ?? Credentials.find(user: options.user, group: options.group))?.assume() } catch { _exit(1) }
        for request in requests {
            guard write(StackNames.line(names.names(of: request)), to: 3) else { _exit(1) }
        }
        _exit(0)
    }

    private static func write(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
        var done = 0
        while done < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { bytes in
                unsafe Glibc.write(descriptor, UnsafeRawBufferPointer(rebasing: bytes[done...]).baseAddress, bytes.count - done)
            }
            if count > 0 {
                done += count
            } else if errno == EAGAIN {
                var request = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                _ = unsafe poll(&request, 1, 1000)
            } else if errno != EINTR {
                return false
            }
        }
        return true
    }
}
