// Percent-decoding, and a request's path parameters and query items, against an implementation that is slow and plain.
// The bytes are decoded as they are; then those that no target can have are escaped, and the rest becomes a request.

import EverycoreHTTP
import EverycoreLoop
import Logging

@testable import Everycore

nonisolated(unsafe) private let context: WorkerContext? = (try? EventLoop()).map {
    WorkerContext(worker: WorkerIdentity(slot: 0, generation: 1, pid: 1), loop: $0, log: Logger(label: "fuzz"))
}
nonisolated(unsafe) private let head = RequestHead()

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> Int32 {
    let input = unsafe FuzzInput(start, count)
    let bytes = input.array
    for plus in [false, true] {
        let expected = decoded(bytes, plus)
        check(unsafe PercentDecoding.decode(input.bytes.bytes, plusIsSpace: plus) == expected, "decoding \(bytes)")
    }
    if let context = unsafe context { request(bytes, unsafe head, context) }
    return 0
}

private func request(_ bytes: [UInt8], _ head: RequestHead, _ context: WorkerContext) {
    let target = [0x2F] + sendable(bytes)
    let question = target.firstIndex(of: 0x3F) ?? target.count
    let (path, query) = (target[..<question], target[question...].dropFirst())
    let message = Array("GET ".utf8) + target + Array(" HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
    var parser = RequestParser(limits: HTTPLimits(requestLine: 1 << 20, target: 1 << 20))
    guard case .complete = unsafe parser.parse(message.span.bytes, into: head) else {
        return check(false, "\(String(decoding: message, as: UTF8.self)) was not read")
    }
    unsafe message.withUnsafeBytes { buffer in
        if let start = buffer.baseAddress { unsafe head.rebase(onto: start, count: buffer.count) }
        // The array may move, the head's own copy doesn't.
        head.detach()
    }
    let whole = 1..<path.count
    let request = Request(
        head: head, keptBy: head, context: context, parameterNames: ["rest", "none"],
        captures: [whole, whole.upperBound..<whole.upperBound + 1], body: [])
    check(request.parameters["rest"] == text(path.dropFirst(), false), "the parameter of \(path)")
    check(request.parameters["none"] == nil && request.parameters["x"] == nil, "a parameter from nowhere")

    let expected = query.split(separator: 0x26).map { item in
        let halves = item.split(separator: 0x3D, maxSplits: 1, omittingEmptySubsequences: false)
        return (name: text(halves[0], true), value: halves.count > 1 ? text(halves[1], true) : "")
    }
    let items = request.queryItems
    check(items.elementsEqual(expected) { $0 == $1 }, "\(items) instead of \(expected)")
    for item in expected.prefix(2) {
        check(request.queryItem(item.name) == expected.first { $0.name == item.name }?.value, "the item \(item.name)")
    }
    head.reset()
}

private func text(_ bytes: some Sequence<UInt8>, _ plusIsSpace: Bool) -> String {
    String(decoding: decoded(Array(bytes), plusIsSpace), as: UTF8.self)
}

private func decoded(_ bytes: [UInt8], _ plusIsSpace: Bool) -> [UInt8] {
    var rest = bytes[...]
    var result: [UInt8] = []
    while let byte = rest.popFirst() {
        if byte == 0x25, let value = escape(rest) {
            result.append(value)
            rest.removeFirst(2)
        } else {
            result.append(plusIsSpace && byte == 0x2B ? 0x20 : byte)
        }
    }
    return result
}

/// The value of the two digits in front; nil where there are none. `UInt8(_:radix:)` takes signs, hence the digits' own look.
private func escape(_ digits: ArraySlice<UInt8>) -> UInt8? {
    let two = digits.prefix(2)
    guard two.count == 2, two.allSatisfy({ Character(UnicodeScalar($0)).isHexDigit && $0 < 0x80 }) else { return nil }
    return UInt8(String(decoding: two, as: UTF8.self), radix: 16)
}

/// The bytes with everything escaped that a target can't have.
private func sendable(_ bytes: [UInt8]) -> [UInt8] {
    var rest = bytes[...]
    var result: [UInt8] = []
    while let byte = rest.popFirst() {
        if byte <= 0x20 || byte >= 0x7F || byte == 0x23 || (byte == 0x25 && escape(rest) == nil) {
            let digits = Array("0123456789abCDEF".utf8)
            result += [0x25, digits[Int(byte >> 4)], digits[Int(byte & 15)]]
        } else {
            result.append(byte)
        }
    }
    return result
}
