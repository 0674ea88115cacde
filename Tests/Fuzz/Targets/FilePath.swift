// From a request's path to a file's: what comes out stays below the root, is not hidden, and leads to itself when it is sent back.

import Everycore

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> Int32 {
    let input = unsafe FuzzInput(start, count)
    guard let path = input.withCopy(0..<count, { try? FilePath($0) }) else { return 0 }
    check(path.bytes.count <= 4000 && !path.bytes.contains(0), "\(path)")
    let segments = path.bytes.split(separator: 0x2F, omittingEmptySubsequences: false)
    for (depth, segment) in segments.enumerated() where !path.bytes.isEmpty {
        check(!segment.isEmpty && segment.count <= 255, "a segment of \(segment.count) bytes")
        check(segment.first != 0x2E || (depth == 0 && segment.elementsEqual(".well-known".utf8)), "a hidden segment: \(path)")
    }
    let location = Array(segments.map { "/" + FilePath.escaped(Array($0)) }.joined().utf8)
    let again = unsafe try? FilePath(location.span.bytes)
    check(path.bytes.isEmpty || again?.bytes == path.bytes && again?.isDirectory == false, "\(location) leads elsewhere")
    check(path.bytes.isEmpty || segments.last.map { FilePath.escaped(Array($0)) } == path.lastSegment, "\(path.lastSegment)")
    return 0
}
