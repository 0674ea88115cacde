import Testing

import Cluster

@Suite struct PacketTests {
    @Test func bytesAreAsTheLayoutSays() {
        #expect(Packet(.message, name: "A.B", payload: [7, 8]).encoded() == [1, 16, 3, 0, 0x41, 0x2E, 0x42, 7, 8])
        #expect(Packet(.drain, number: 10_000).encoded() == [1, 3, 0, 0, 0x10, 0x27, 0, 0])
        #expect(Packet(.ready).encoded() == [1, 1, 0, 0])
    }

    @Test func packetsSurvive() throws {
        let packet = Packet(.figuresPart, number: .max, and: [1, 2, 3])
        let copy = try Packet(decoding: packet.encoded())
        #expect(copy.kind == .figuresPart)
        #expect(copy.numbered?.number == .max)
        #expect(copy.numbered.map { Array($0.rest) } == [1, 2, 3])
        let message = try Packet(decoding: Packet(.message, name: "Größe", payload: []).encoded())
        #expect(message.name == "Größe")
        #expect(message.payload.isEmpty)
        #expect(message.numbered == nil)
    }

    @Test func whatIsNoPacketSaysWhy() {
        #expect(throws: Packet.Malformed.short) { try Packet(decoding: []) }
        #expect(throws: Packet.Malformed.short) { try Packet(decoding: [1, 16, 9, 0, 1]) }
        #expect(throws: Packet.Malformed.short) { try Packet(decoding: [1, 16, 0xFF, 0xFF]) }
        #expect(throws: Packet.Malformed.foreignVersion(2)) { try Packet(decoding: [2, 16, 0, 0]) }
        #expect(throws: Packet.Malformed.unknownKind(99)) { try Packet(decoding: [1, 99, 0, 0]) }
    }
}
