// Packets of the channel between the master and a worker: what decodes stays as it is when it is sent on, and a packet of
// messages is taken apart whatever is in it.

import Cluster

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> Int32 {
    let bytes = unsafe FuzzInput(start, count).array
    guard let packet = try? Packet(decoding: bytes) else { return 0 }
    let encoding = packet.encoded()
    guard let copy = try? Packet(decoding: encoding) else {
        check(false, "\(packet) can't be sent on")
        return 0
    }
    check(copy == packet && encoding == bytes, "\(packet) changed")
    if let (number, rest) = packet.numbered {
        check(Packet(packet.kind, number: number, and: Array(rest)).encoded() == encoding, "the number \(number) changed")
    }
    checkRecords(bytes)
    return 0
}

/// Every record must lie within the bytes, behind the one before it.
private func checkRecords(_ bytes: [UInt8]) {
    var offset = Packet.headerByteCount
    while offset < bytes.count {
        let start = offset
        guard let record = try? MessageRecord(in: bytes, at: &offset, end: bytes.count) else { return }
        check(offset > start && offset <= bytes.count, "a record from \(start) ends at \(offset)")
        check(record.payload.lowerBound > start && record.payload.upperBound == offset, "a payload is outside its record")
        if let name = record.name { check(name.lowerBound > start && name.upperBound <= record.payload.lowerBound, "a name overlaps") }
    }
}
