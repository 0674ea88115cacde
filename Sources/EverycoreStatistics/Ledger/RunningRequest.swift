// A request that a worker is in, or whose handler waits, as it is shown and as it travels to the admin worker. A plain value, made by the
// master from what workers leave in shared memory: it asks no worker, so it is there while all of them are stuck.
// Process: master, admin · Thread: loop
//
// On the wire, after the quarantine, little-endian: UInt16 number; each: UInt32 worker (all ones for the quarantine worker), UInt32
// generation, UInt32 pid, UInt8 1 running, 2 waiting, 3 streaming; text (description), text (route), UInt64 age. Texts are those of
// ExitRecord+Wire.swift. Then UInt64 requests that wait.

package struct RunningRequest: Equatable, Sendable {
    package enum State: UInt8, Sendable, CaseIterable, CustomStringConvertible {
        /// It has the worker's loop.
        case running = 1
        /// Its async handler waits for something.
        case waiting = 2
        /// The same, and its response has begun.
        case streaming = 3

        package var description: String { self == .running ? "running" : "waiting" }
    }

    /// No more travel; the oldest ones.
    package static let limit = 256
    static let maximumWireByteCount = 16 + limit * (32 + 2 * (ExitRecord.textByteCount + 1))

    /// -1 for the quarantine worker.
    package let worker: Int
    package let generation: Int
    package let pid: Int32
    package let state: State
    /// Method and path, or the beginning of them. The query is nowhere noted.
    package let description: String
    /// The route's method and pattern, such as `GET /users/:id`; empty where none is known.
    package let route: String
    package let ageNanoseconds: UInt64

    package init(worker: Int, generation: Int, pid: Int32, state: State, description: String, route: String, ageNanoseconds: UInt64) {
        self.worker = worker
        self.generation = generation
        self.pid = pid
        self.state = state
        self.description = ExitRecord.plain(description)
        self.route = ExitRecord.plain(route)
        self.ageNanoseconds = ageNanoseconds
    }

    package var method: String { String(description.prefix { $0 != " " }) }
    /// The path.
    package var target: String { String(description.drop { $0 != " " }.dropFirst()) }

    // MARK: On the wire

    static func write(_ requests: [RunningRequest], waiting: UInt64, to writer: inout ByteWriter) {
        let shown = requests.prefix(limit)
        writer.append(UInt16(clamping: shown.count))
        for request in shown {
            writer.append(request.worker < 0 ? UInt32.max : UInt32(clamping: request.worker))
            writer.append(UInt32(clamping: request.generation))
            writer.append(UInt32(bitPattern: request.pid))
            writer.append(request.state.rawValue)
            ExitRecord.write(request.description, to: &writer)
            ExitRecord.write(request.route, to: &writer)
            writer.append(request.ageNanoseconds)
        }
        writer.append(waiting)
    }

    /// Nil when the bytes end early or hold what no master writes.
    static func read(_ bytes: RawSpan, at offset: inout Int) -> (requests: [RunningRequest], waiting: UInt64)? {
        guard let count = bytes.next(UInt16.self, &offset), Int(count) <= limit else { return nil }
        var requests: [RunningRequest] = []
        for _ in 0..<count {
            guard let worker = bytes.next(UInt32.self, &offset), let generation = bytes.next(UInt32.self, &offset),
                let pid = bytes.next(UInt32.self, &offset), let state = bytes.next(UInt8.self, &offset).flatMap(State.init(rawValue:)),
                let description = ExitRecord.text(bytes, &offset), let route = ExitRecord.text(bytes, &offset),
                let age = bytes.next(UInt64.self, &offset)
            else { return nil }
            requests.append(
                RunningRequest(
                    worker: worker == .max ? -1 : Int(worker), generation: Int(generation), pid: Int32(bitPattern: pid), state: state,
                    description: description, route: route, ageNanoseconds: age))
        }
        guard let waiting = bytes.next(UInt64.self, &offset) else { return nil }
        return (requests, waiting)
    }
}
