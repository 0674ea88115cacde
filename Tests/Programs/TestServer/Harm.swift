// The harm: every way in which a handler can end its process, hold it, or leave its client without an answer.
// Runs in the workers.

#if TestPrograms
import Everycore
@unsafe @preconcurrency import Glibc

struct Refusal: Error {}

func addHarm(_ routes: inout Routes) {
    routes.get("/trap") { _ in
        trap()
        return .text("not reached\n")
    }
    routes.get("/trap-async") { _ async throws in
        try await Task.sleep(for: .milliseconds(2))
        trap()
        return .text("not reached\n")
    }
    routes.get("/abort") { _ in abort() }
    routes.get("/overflow") { _ in
        var path: [Int] = []
        return .text("\(recurse(&path))\n")
    }
    routes.get("/exit") { _ in exit(0) }
    // Kills a worker that a file has made bad.
    routes.get("/whole") { _ in
        if unsafe Doom.isBad { trap() }
        return .text("whole\n")
    }
    // The main thread ends, another one keeps the process.
    routes.get("/headless") { _ in
        var thread = pthread_t()
        unsafe pthread_create(&thread, nil, { _ in while true { pause() } }, nil)
        pthread_exit(nil)
    }
    routes.get("/throws") { _ in throw Refusal() }
    routes.get("/throws-async") { _ async throws in
        try await Task.sleep(for: .milliseconds(2))
        throw Refusal()
    }
    // Never gives the loop back. It sleeps, so that the machine's other core isn't all that the tests have.
    routes.get("/spin") { _ in
        while true { pause() }
    }
    // Never answers, and doesn't hear that its client has left.
    routes.get("/hang") { _ async throws in
        await unsafe withUnsafeContinuation { (_: UnsafeContinuation<Void, Never>) in }
        return .text("not reached\n")
    }
    // Holds the worker for a while.
    routes.get("/slow") { request in
        let milliseconds = UInt32(request.queryItem("ms") ?? "") ?? 100
        rest(milliseconds: min(milliseconds, 10_000))
        return .text("slow\n")
    }
    // Uses so much CPU time, however long that takes, without giving the loop back.
    routes.get("/burn") { request in
        burn(milliseconds: Int(request.queryItem("ms") ?? "") ?? 0)
        return .text("burnt\n")
    }
    routes.get("/burn-async") { request async throws in
        try await Task.sleep(for: .milliseconds(2))
        burn(milliseconds: Int(request.queryItem("ms") ?? "") ?? 0)
        return .text("burnt\n")
    }
    // Uses so much memory, and holds it.
    routes.get("/eat") { request in
        let megabytes = min(Int(request.queryItem("mb") ?? "") ?? 0, 4096)
        var pieces: [[UInt8]] = []
        for index in 0..<megabytes { pieces.append([UInt8](repeating: UInt8(truncatingIfNeeded: index | 1), count: 1 << 20)) }
        return .text("\(pieces.reduce(0) { $0 + Int($1[4711]) })\n")
    }
    // Writes rubbish to everything that leads to the master; answers how many pieces were taken.
    routes.get("/garble") { _ in .text("\(garble())") }
    // What a handler with a stray number does to sockets that are all workers'.
    routes.get("/shut-down-listeners") { _ in .text("\(eachListener { shutdown($0, Int32(SHUT_RDWR)) })\n") }
    routes.get("/close-listeners") { _ in .text("\(eachListener { close($0) })\n") }
    // The sockets on which workers give each other connections. The last of its kind is the worker's channel to the master.
    routes.get("/shut-down-hand-overs") { _ in
        let sockets = (Int32(3)..<256).filter { descriptor in
            var type: Int32 = 0
            var length = socklen_t(MemoryLayout<Int32>.size)
            return unsafe getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &type, &length) == 0 && type == Int32(SOCK_SEQPACKET.rawValue)
        }
        for descriptor in sockets.dropLast() { shutdown(descriptor, Int32(SHUT_RDWR)) }
        return .text("\(sockets.count)\n")
    }
    // Uses up the process' descriptors, also those that become free.
    routes.get("/eat-descriptors") { _ in
        var thread = pthread_t()
        unsafe pthread_create(
            &thread, nil,
            { _ in
                while true { if dup(0) < 0 { usleep(1000) } }
            }, nil)
        return .text("eating\n")
    }
    // Takes all that there are now, and keeps them.
    routes.get("/fill-descriptors") { _ in
        while dup(0) >= 0 {}
        return .text("full\n")
    }
    // The names of the variables that a program which a handler starts would see.
    routes.get("/environment") { _ in
        var names = ""
        var next = unsafe environ
        while let entry = unsafe next.pointee {
            names += unsafe String(cString: entry).prefix { $0 != "=" } + "\n"
            unsafe next += 1
        }
        return .text(names)
    }
    // So many lines on standard output, and on standard error.
    routes.get("/print") { request in
        for number in 0..<min(Int(request.queryItem("lines") ?? "") ?? 1, 100_000) {
            print("line \(number) of a handler")
            unsafe fputs("line \(number) of a handler\n", stderr)
        }
        return .text("printed\n")
    }
    // What a program inherits that a handler starts.
    routes.get("/popen") { _ in
        let command = "grep -E 'Sig(Ign|Blk)' /proc/self/status; ulimit -Sn; ls -l /proc/self/fd | grep -vE ' -> /proc/'"
        guard let file = unsafe popen(command, "r") else { return .text("no\n") }
        var text = ""
        var byte = unsafe fgetc(file)
        while byte >= 0 {
            text.unicodeScalars.append(Unicode.Scalar(UInt8(truncatingIfNeeded: byte)))
            byte = unsafe fgetc(file)
        }
        unsafe pclose(file)
        return .text(text)
    }
    // What a handler that starts work beside the request does.
    routes.get("/tasks") { _ async throws in
        let sum = await withTaskGroup(of: Int.self) { group in
            for number in 1...100 { group.addTask { await Task.detached { number }.value } }
            return await group.reduce(0, +)
        }
        return .text("\(sum)\n")
    }
}

/// Calls `body` for the first numbers that stand for listening sockets; says how many there are.
func eachListener(_ body: (Int32) -> Void) -> Int {
    var count = 0
    for descriptor: Int32 in 3..<256 {
        var isListener: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        guard unsafe getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &isListener, &length) == 0, isListener == 1 else { continue }
        body(descriptor)
        count += 1
    }
    return count
}

func burn(milliseconds: Int) {
    var begin = timespec()
    var now = timespec()
    unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &begin)
    repeat {
        unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now)
    } while (now.tv_sec - begin.tv_sec) * 1000 + (now.tv_nsec - begin.tv_nsec) / 1_000_000 < milliseconds
}

/// Index out of range.
@inline(never)
func trap() {
    let numbers = [Int](repeating: 0, count: CommandLine.arguments.count)
    print(numbers[numbers.count])
}

/// Overflows the stack. The array keeps the optimiser from making a loop of it.
@inline(never)
func recurse(_ path: inout [Int]) -> Int {
    path.append(path.count)
    let below = path.count < Int.max ? recurse(&path) : 0
    return below &+ (path.popLast() ?? 0)
}

/// Packets of many lengths, on every packet socket of this process: reports and messages go to the master on such.
func garble() -> Int {
    var sent = 0
    for descriptor: Int32 in 3..<256 {
        var type: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        guard unsafe getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &type, &length) == 0,
            type == Int32(SOCK_DGRAM.rawValue) || type == Int32(SOCK_SEQPACKET.rawValue)
        else { continue }
        for count in [1, 2, 7, 8, 64, 300, 5000, 100_000] {
            let rubbish = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ count) }
            let result = unsafe rubbish.withUnsafeBytes { unsafe send(descriptor, $0.baseAddress, count, Int32(MSG_DONTWAIT)) }
            if result == count { sent += 1 }
        }
    }
    return sent
}
#endif
