// Carries the cluster's figures through a packet socket, whose packets are limited: the encoding is cut into numbered parts, and an
// assembler puts them together again. Runs in the master (cutting) and in the admin worker (assembling).
// A part's header, little-endian: UInt32 magic "ECFP", UInt16 layout version, UInt16 index, UInt16 number of parts,
// UInt64 the time the figures were taken at, which tells one update from the next. The rest is a piece of the encoding.
// The socket keeps the order, so a part out of order means that an update was abandoned: the assembler starts afresh.
// Process: any · Thread: loop

private let partMagic: UInt32 = 0x5046_4345
private let partVersion: UInt16 = 4
private let partHeaderByteCount = 18

extension ClusterFigures {
    /// The figures in packets of at most `maximumBytes`, and of 1 KB where less is asked for.
    package func parts(maximumBytes: Int = 60_000) -> [[UInt8]] {
        let encoding = encoded()
        let room = max(maximumBytes, 1024) - partHeaderByteCount
        let count = (encoding.count + room - 1) / room
        return (0..<count).map { index in
            var writer = ByteWriter(capacity: room + partHeaderByteCount)
            writer.append(partMagic)
            writer.append(partVersion)
            writer.append(UInt16(clamping: index))
            writer.append(UInt16(clamping: count))
            writer.append(takenAtNanoseconds)
            writer.append(Array(encoding[(index * room)..<min((index + 1) * room, encoding.count)]))
            return writer.bytes
        }
    }

    package enum PartError: Error, Equatable {
        /// No part of this layout.
        case foreign
        /// It does not follow the part before. A first part is always welcome.
        case outOfOrder
        /// More than figures of every slot could take.
        case tooLong
        /// All parts are there, and are no figures.
        case garbled
    }

    /// Collects parts. Holds at most `maximumWireByteCount` bytes.
    package struct Assembler: Sendable {
        private var collected: [UInt8] = []
        private var update: UInt64 = 0
        private var nextIndex: UInt16 = 0
        private var count: UInt16 = 0

        package init() {}

        /// Adds the next part.
        /// - Returns: the figures when this was their last part, nil while parts are missing.
        package mutating func add(_ part: RawSpan) throws(PartError) -> ClusterFigures? {
            var offset = 0
            guard part.next(UInt32.self, &offset) == partMagic, part.next(UInt16.self, &offset) == partVersion,
                let index = part.next(UInt16.self, &offset), let count = part.next(UInt16.self, &offset),
                let update = part.next(UInt64.self, &offset), index < count
            else { throw .foreign }
            if index == 0 {
                self = Assembler()
                self.update = update
                self.count = count
            }
            guard index == nextIndex, count == self.count, update == self.update else {
                self = Assembler()
                throw .outOfOrder
            }
            guard collected.count + part.byteCount - offset <= ClusterFigures.maximumWireByteCount else {
                self = Assembler()
                throw .tooLong
            }
            for position in offset..<part.byteCount {
                if let byte = part.number(UInt8.self, at: position) { collected.append(byte) }
            }
            nextIndex = index + 1
            guard nextIndex == count else { return nil }
            let figures = collected.withRawSpan { ClusterFigures(decoding: $0) }
            self = Assembler()
            guard let figures else { throw .garbled }
            return figures
        }

        package mutating func add(_ part: [UInt8]) throws(PartError) -> ClusterFigures? {
            try part.withRawSpan { bytes throws(PartError) in try add(bytes) }
        }
    }
}
