// What a request says about the version and the part of a file that it wants: entity tags, dates, Range. The first byte gives the
// file's size and whether its tag is weak; the lines of the rest are the fields, absent where they are empty.

import Everycore
import EverycoreHTTP

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> Int32 {
    let bytes = unsafe FuzzInput(start, count).array
    guard let first = bytes.first else { return 0 }
    let sizes: [Int64] = [0, 1, 2, 10, 100, 200, 1 << 40, .max]
    let size = sizes[Int(first & 7)]
    let lines = bytes.dropFirst().split(separator: 0x0A, maxSplits: 5, omittingEmptySubsequences: false)
        .map { String(decoding: $0, as: UTF8.self) }
    func line(_ index: Int) -> String? { index < lines.count && !lines[index].isEmpty ? lines[index] : nil }

    var conditions = Preconditions()
    conditions.range = line(0)
    conditions.ifRange = line(1)
    conditions.ifNoneMatch = line(2)
    conditions.ifModifiedSince = line(3)
    conditions.ifMatch = line(4)
    conditions.ifUnmodifiedSince = line(5)
    let current = Validators(tag: EntityTag("abc", isWeak: first & 8 != 0), lastModified: 784_111_777)
    let isGet = first & 16 == 0
    if case .proceed(let range?) = conditions.evaluate(current, isGet: isGet, now: 1_700_000_000) {
        check(isGet && range == conditions.range, "a range from nowhere")
    }
    for text in lines {
        checkRange(text, size)
        checkDate(text)
        if let tag = EntityTag(parsing: text) { check(EntityTag(parsing: tag.description) == tag, "\(tag) changed") }
        if case .tags(let tags) = EntityTagList(parsing: text), !tags.isEmpty {
            let again = tags.map(\.description).joined(separator: ",")
            check(EntityTagList(parsing: again) == .tags(tags), "the list \(again) changed")
        }
    }
    return 0
}

private func checkRange(_ text: String, _ size: Int64) {
    let selection = RangeSelection(text, size: size)
    let expected = plainly(text, size)
    guard case .parts(let parts) = selection else {
        return check((selection == .whole) == (expected == nil) || size == 0, "\(text) of \(size): \(selection)")
    }
    check(!parts.isEmpty && parts.count <= RangeSelection.maximumParts, "\(parts)")
    for (index, part) in parts.enumerated() {
        check(!part.isEmpty && part.lowerBound >= 0 && part.upperBound <= size, "\(part) of \(size)")
        for other in parts[..<index] {
            check(part.lowerBound > other.upperBound || part.upperBound < other.lowerBound, "\(parts) touch")
        }
    }
    check(size > 0, "parts of nothing")
    guard size <= 200 else { return }
    check(Set(parts.joined()) == expected, "\(text) of \(size): \(parts)")
}

/// The bytes that are wanted, one by one where there are few; nil where the field doesn't count.
private func plainly(_ text: String, _ size: Int64) -> Set<Int64>? {
    guard text.utf8.prefix(6).map({ $0 | 0x20 }) == Array("bytes=".utf8).map({ $0 | 0x20 }), text.utf8.dropFirst(5).first == 0x3D else {
        return nil
    }
    let elements = Array(text.utf8.dropFirst(6)).split(separator: 0x2C).map { element in
        let front = element.drop { $0 == 0x20 || $0 == 0x09 }
        return Array(front.reversed().drop { $0 == 0x20 || $0 == 0x09 }.reversed())
    }.filter { !$0.isEmpty }
    guard !elements.isEmpty, elements.count <= RangeSelection.maximumParts else { return nil }
    var wanted: Set<Int64> = []
    for element in elements {
        let halves = element.split(separator: 0x2D, omittingEmptySubsequences: false)
        guard halves.count == 2, halves.joined().allSatisfy({ (0x30...0x39).contains($0) }), element.count > 1 else { return nil }
        let (first, last) = (number(halves[0]), number(halves[1]))
        if let first {
            if let last, last < first { return nil }
            guard first < size, size <= 200 else { continue }
            wanted.formUnion(first...min(last ?? .max, size - 1))
        } else if let last, last > 0, size <= 200 {
            wanted.formUnion(max(0, size - last)..<size)
        }
    }
    return wanted
}

private func number(_ digits: ArraySlice<UInt8>) -> Int64? {
    digits.isEmpty ? nil : Int64(String(decoding: digits, as: UTF8.self)) ?? .max
}

private func checkDate(_ text: String) {
    guard let seconds = HTTPDate.parse(text, now: 1_700_000_000) else { return }
    // From the year 0 to the end of 9999, with a leap second.
    check((-62_167_219_200...253_402_300_800).contains(seconds), "\(text) is \(seconds)")
    check(HTTPDate.parse(text, now: 1_700_000_000) == seconds, "\(text) changed")
}
