// The layout of packets on a channel, byte by byte, and bytes that are none.

import Cluster
import Testing

@Suite struct PacketTests {
    @Test func bytesAreAsTheLayoutSays() {
        #expect(Packet(.messages, payload: [7, 8]).encoded() == [2, 16, 0, 0, 7, 8])
        #expect(Packet(.drain, number: 10_000).encoded() == [2, 3, 0, 0, 0x10, 0x27, 0, 0])
        #expect(Packet(.ready).encoded() == [2, 1, 0, 0])
    }

    @Test func packetsSurvive() throws {
        let packet = Packet(.figuresPart, number: .max, and: [1, 2, 3])
        let copy = try Packet(decoding: packet.encoded())
        #expect(copy.kind == .figuresPart)
        #expect(copy.numbered?.number == .max)
        #expect(copy.numbered.map { Array($0.rest) } == [1, 2, 3])
        let empty = try Packet(decoding: Packet(.messages).encoded())
        #expect(empty.payload.isEmpty)
        #expect(empty.numbered == nil)
    }

    @Test func whatIsNoPacketSaysWhy() {
        #expect(throws: Packet.Malformed.short) { try Packet(decoding: []) }
        #expect(throws: Packet.Malformed.short) { try Packet(decoding: [2, 16, 0]) }
        #expect(throws: Packet.Malformed.reservedBytes) { try Packet(decoding: [2, 16, 9, 0, 1]) }
        #expect(throws: Packet.Malformed.reservedBytes) { try Packet(decoding: [2, 16, 0, 0xFF]) }
        #expect(throws: Packet.Malformed.foreignVersion(1)) { try Packet(decoding: [1, 16, 0, 0]) }
        #expect(throws: Packet.Malformed.unknownKind(99)) { try Packet(decoding: [2, 99, 0, 0]) }
    }
}
