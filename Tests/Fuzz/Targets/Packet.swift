// Packets of the channel between the master and a worker: what decodes keeps its kind and payload when it is sent on, and a
// name that is UTF-8 stays as it is.

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
    check(copy.kind == packet.kind && copy.name == packet.name && copy.payload.elementsEqual(packet.payload), "\(packet)")
    let nameEnd = bytes.count - packet.payload.count
    if packet.name.utf8.elementsEqual(bytes[Packet.headerByteCount..<nameEnd]) { check(encoding == bytes, "another encoding") }
    if let (number, rest) = packet.numbered, packet.name.isEmpty {
        check(Packet(packet.kind, number: number, and: Array(rest)).encoded() == encoding, "the number \(number) changed")
    }
    return 0
}
