// The entries of a keyed container, where they arrived: finding one by its key. Used by master and workers, through WireDecoder.

extension WireValueDecoder {
    struct Entry {
        let key: Range<Int>
        let value: Int
        let end: Int
    }

    @inline(__always)
    func entry(at offset: Int, end: Int) throws -> Entry {
        try reading { input throws(WireInput.Malformed) in
            var next = offset
            let key = try input.range(at: &next, end: end)
            return Entry(key: key, value: next, end: try input.skip(from: next, end: end))
        }
    }

    func checkEntries(_ contents: Range<Int>) throws {
        cursor = contents.lowerBound
        var offset = contents.lowerBound
        while offset < contents.upperBound {
            let entry = try entry(at: offset, end: contents.upperBound)
            if !input.bytes.isText(entry.key) { throw corrupted(WireInput.Malformed.badText.description) }
            offset = entry.end
        }
    }

    /// The value's range, or nil when there is no such key.
    func find(_ name: String, in contents: Range<Int>) throws -> Range<Int>? {
        let start = contents.contains(cursor) ? cursor : contents.lowerBound
        var offset = start
        var wrapped = false
        while true {
            if offset >= contents.upperBound {
                if wrapped { return nil }
                wrapped = true
                offset = contents.lowerBound
            }
            if wrapped, offset >= start { return nil }
            let entry = try entry(at: offset, end: contents.upperBound)
            if input.bytes.holds(name, in: entry.key) {
                // The same key may be asked for again: whether it is there, whether it is nil, and for its value.
                cursor = offset
                return entry.value..<entry.end
            }
            offset = entry.end
        }
    }
}
