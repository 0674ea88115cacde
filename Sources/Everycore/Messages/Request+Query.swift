// The query's items, as forms encode them: `name=value` joined by `&`, `+` for a space.
//
// Runs in the workers, when a handler asks. Source: WHATWG URL §5.1 (application/x-www-form-urlencoded).

internal import EverycoreHTTP

extension Request {
    /// The first item of this name, percent-decoded, with `+` as space; empty where the item has no `=`.
    public func queryItem(_ name: String) -> String? {
        var value: String?
        forEachQueryItem { itemName, itemValue in
            guard itemName == name else { return true }
            value = itemValue
            return false
        }
        return value
    }

    /// All items in their order, percent-decoded, with `+` as space.
    public var queryItems: [(name: String, value: String)] {
        var items: [(name: String, value: String)] = []
        forEachQueryItem { name, value in
            items.append((name, value))
            return true
        }
        return items
    }

    /// Calls `body` with each item until it returns false.
    private func forEachQueryItem(_ body: (String, String) -> Bool) {
        guard let range = head.queryRange else { return }
        head.withBytes(range) { query in
            var start = 0
            while start < query.byteCount {
                let end = query.offset(of: UInt8(ascii: "&"), from: start) ?? query.byteCount
                defer { start = end &+ 1 }
                guard end > start else { continue }
                let item = query.extracting(start..<end)
                let equals = item.offset(of: UInt8(ascii: "="), from: 0) ?? item.byteCount
                let name = PercentDecoding.string(item.extracting(first: equals), plusIsSpace: true)
                let rest = item.extracting(droppingFirst: min(equals &+ 1, item.byteCount))
                let value = PercentDecoding.string(rest, plusIsSpace: true)
                guard body(name, value) else { return }
            }
        }
    }
}

extension RawSpan {
    fileprivate func offset(of byte: UInt8, from start: Int) -> Int? {
        var position = start
        while position < byteCount {
            if self[byte: position] == byte { return position }
            position &+= 1
        }
        return nil
    }
}
