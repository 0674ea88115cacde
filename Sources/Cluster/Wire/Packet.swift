// One packet of the channel between the master and a worker: the only place where its bytes are laid out.
// Used by both sides. Whatever arrives is checked; nothing in a packet can trap its reader.
//
//   0      version
//   1      kind
//   2…3    zero
//   4…     payload: what the kind says

package struct Packet: Equatable {
    /// Who sends it and what it means. Numbers are four bytes, little-endian.
    package enum Kind: UInt8 {
        /// Worker: the body has returned, the loop runs.
        case ready = 1
        /// Worker: it got TERM and asks to drain; or it has begun to.
        case draining = 2
        /// Master: drain, and be gone after so many milliseconds.
        case drain = 3
        /// Auxiliary: collect the cluster's figures, for this number.
        case figuresRequest = 6
        /// Master: the number of the request and one part of the figures.
        case figuresPart = 7
        /// Worker: its figures (ReportLayout.swift).
        case report = 8
        /// Either side: messages, one after the other (MessageRecord.swift).
        case messages = 16
        /// Either side: so many large messages have been taken out of their files.
        case filesTaken = 17
        /// Either side: a descriptor comes with the next packet. Without this it is lost: looking for one in every packet
        /// would make each dearer.
        case descriptorNext = 18
        /// Master: accept for this slot, too; or take what waits for the quarantine worker, once.
        case adopt = 32
        /// Master: no more.
        case release = 33
        /// Master: go within so many milliseconds; others take the connections.
        case handOver = 34
        /// Master: show a sign of life in the shared page.
        case beat = 35
        /// Master, also to one that takes its place: accept connections from now on.
        case begin = 36
        /// Master: as `handOver`, but to the workers of another master, so many (a second number) of them.
        case handOverToSuccessors = 37
        /// Master, to one that takes its place: the program's own state, so many bytes of it in a sealed file that comes along.
        case programState = 38
        /// Master: a listening socket, or an end of a pair, in the place of the one that the worker has: the slot (all ones for
        /// an auxiliary's) or the pair, its place among the slot's listeners or which end it is. The descriptor comes along.
        case listener = 40
        /// Master, to the log's writer: the file that lines go to from here on, which comes along, and its number.
        case lineFile = 41
        /// Auxiliary: an operator's order, with a number. The operator's connection comes along.
        case order = 44
        /// Master: a part of the answer to the order of this number.
        case orderReply = 45
        /// Worker: it runs; comes before everything else.
        case online = 48
        /// Worker: it leaves of its own will or as it was told; nothing comes after this.
        case leaving = 49
        /// The log's writer: it has the file of this number, and writes to no other.
        case lineFileTaken = 50
        /// Master: the cluster will drain soon; serve on, but look as if you didn't.
        case lameDuck = 64

        /// A process that shows figures: collect the application's metrics, for this number.
        case metricsRequest = 72
        /// Master, also to one that takes its place: the number of the request, and how many bytes of metrics are in the sealed file that
        /// comes along.
        case metrics = 73
        /// A process that shows figures: collect the stacks of all workers, for this number.
        case stacksRequest = 74
        /// Master: the number of the request, and how many bytes of JSON are in the sealed file that comes along.
        case stacks = 75

        var bringsDescriptor: Bool { self == .listener || self == .programState || self == .metrics || self == .lineFile || self == .order || self == .stacks }
    }

    package enum Malformed: Error, Equatable, CustomStringConvertible {
        case short, foreignVersion(UInt8), unknownKind(UInt8), reservedBytes

        package var description: String {
            switch self {
            case .short: "the packet ends early"
            case .foreignVersion(let version): "the packet is of version \(version), this program speaks \(Packet.version)"
            case .unknownKind(let kind): "the packet is of unknown kind \(kind)"
            case .reservedBytes: "bytes that must be zero are not"
            }
        }
    }

    /// In the place of a listener's place: an end of the pair that the number stands for (PairPlace).
    static let pairReceiver = UInt32.max
    static let pairSender = UInt32.max - 1

    package static let version: UInt8 = 2
    package static let headerByteCount = 4
    /// A packet with its header; below the buffers that the channel's sockets are given.
    package static let maximumByteCount = 128 * 1024

    package var kind: Kind
    package var payload: ArraySlice<UInt8>

    package init(_ kind: Kind, payload: [UInt8] = []) {
        self.kind = kind
        self.payload = payload[...]
    }

    package init(_ kind: Kind, number: UInt32, and rest: [UInt8] = []) {
        self.init(kind, payload: Self.bytes(of: number) + rest)
    }

    package init(decoding bytes: [UInt8]) throws(Malformed) {
        let storage = ByteStorage(copying: bytes)
        kind = try Self.kind(of: storage, count: bytes.count)
        payload = bytes[Self.headerByteCount...]
    }

    /// What the header of the packet at the beginning of a buffer says.
    static func kind(of bytes: ByteStorage, count: Int) throws(Malformed) -> Kind {
        guard count >= headerByteCount, bytes.count >= count else { throw .short }
        guard bytes.byte(0) == version else { throw .foreignVersion(bytes.byte(0)) }
        guard let kind = Kind(rawValue: bytes.byte(1)) else { throw .unknownKind(bytes.byte(1)) }
        guard bytes.number(2, as: UInt16.self) == 0 else { throw .reservedBytes }
        return kind
    }

    static func header(_ kind: Kind) -> UInt32 { UInt32(version) | UInt32(kind.rawValue) << 8 }

    package func encoded() -> [UInt8] { [Self.version, kind.rawValue, 0, 0] + payload }

    /// The payload's first four bytes and what follows them.
    package var numbered: (number: UInt32, rest: ArraySlice<UInt8>)? {
        Self.number(in: payload).map { ($0, payload.dropFirst(4)) }
    }

    static func number(in bytes: ArraySlice<UInt8>) -> UInt32? {
        guard bytes.count >= 4 else { return nil }
        return bytes.prefix(4).reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
    }

    static func bytes(of number: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) } }
}
