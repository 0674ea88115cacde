// All patterns as a tree of segments: what a path meets that the index of plain paths doesn't know.
//
// Grown before the fork, read-only in the workers. A literal beats a parameter beats a catch-all, and a branch that
// leads nowhere is taken back. The tree has one way to each node, so that a lookup visits no node twice: its
// cost is bounded by the routes, whatever the path.

struct SegmentTrie: Sendable {
    /// What a search asks of the nodes that it arrives at: nil goes on with the next best branch.
    struct Match {
        var endpoint = -1
        var captures: [Range<Int>] = []
    }

    private struct Node: Sendable {
        var names: [[UInt8]] = []  // of the literal children, sorted
        var children: [Int] = []  // in the order of names
        var parameter = -1
        var catchAll = -1
    }

    private var nodes = [Node()]

    var nodeCount: Int { nodes.count }

    /// The node of a pattern, grown where it is missing.
    mutating func insert(_ pattern: RoutePattern) -> Int {
        var node = 0
        for segment in pattern.segments {
            switch segment {
            case .literal(let name): node = literalChild(name, of: node)
            case .parameter:
                if nodes[node].parameter < 0 { nodes[node].parameter = grow() }
                node = nodes[node].parameter
            case .catchAll:
                if nodes[node].catchAll < 0 { nodes[node].catchAll = grow() }
                node = nodes[node].catchAll
            }
        }
        return node
    }

    /// The best node for a path among those that `endpoint(node)` accepts, i.e. for which it isn't negative.
    func search(_ path: borrowing RawSpan, endpoint: (Int) -> Int) -> Match {
        var match = Match()
        _ = descend(from: 0, path, at: path.byteCount > 0 && path[byte: 0] == UInt8(ascii: "/") ? 1 : 0, &match, endpoint)
        return match
    }

    /// `start` is where the next segment begins; one past the end means that there is none.
    private func descend(
        from node: Int, _ path: borrowing RawSpan, at start: Int, _ match: inout Match, _ endpoint: (Int) -> Int
    ) -> Bool {
        guard start <= path.byteCount else {
            match.endpoint = endpoint(node)
            return match.endpoint >= 0
        }
        var end = start
        var escaped = false
        while end < path.byteCount, path[byte: end] != UInt8(ascii: "/") {
            if path[byte: end] == UInt8(ascii: "%") { escaped = true }
            end &+= 1
        }
        let child = literalChild(of: node, path.extracting(start..<end), escaped: escaped)
        if child >= 0, descend(from: child, path, at: end &+ 1, &match, endpoint) { return true }

        if nodes[node].parameter >= 0, end > start {
            match.captures.append(start..<end)
            if descend(from: nodes[node].parameter, path, at: end &+ 1, &match, endpoint) { return true }
            match.captures.removeLast()
        }
        if nodes[node].catchAll >= 0 {
            match.endpoint = endpoint(nodes[node].catchAll)
            if match.endpoint >= 0 {
                match.captures.append(start..<path.byteCount)
                return true
            }
        }
        return false
    }

    private mutating func grow() -> Int {
        nodes.append(Node())
        return nodes.count - 1
    }

    private mutating func literalChild(_ name: [UInt8], of node: Int) -> Int {
        let position = unsafe lowerBound(name.span.bytes, in: nodes[node].names)
        if position < nodes[node].names.count, nodes[node].names[position] == name {
            return nodes[node].children[position]
        }
        let child = grow()
        nodes[node].names.insert(name, at: position)
        nodes[node].children.insert(child, at: position)
        return child
    }

    private func literalChild(of node: Int, _ segment: borrowing RawSpan, escaped: Bool) -> Int {
        guard !nodes[node].names.isEmpty else { return -1 }
        if escaped {
            let decoded = PercentDecoding.decode(segment)
            return unsafe literalChild(of: node, decoded.span.bytes, escaped: false)
        }
        let position = lowerBound(segment, in: nodes[node].names)
        guard position < nodes[node].names.count,
            compare(nodes[node].names[position], segment) == 0
        else { return -1 }
        return nodes[node].children[position]
    }

    private func lowerBound(_ name: borrowing RawSpan, in names: [[UInt8]]) -> Int {
        var low = 0
        var high = names.count
        while low < high {
            let middle = (low &+ high) / 2
            if compare(names[middle], name) < 0 { low = middle &+ 1 } else { high = middle }
        }
        return low
    }

    /// Shorter names first, then by bytes.
    private func compare(_ left: [UInt8], _ right: borrowing RawSpan) -> Int {
        guard left.count == right.byteCount else { return left.count &- right.byteCount }
        for position in left.indices {
            let difference = Int(left[position]) &- Int(right[byte: position])
            guard difference == 0 else { return difference }
        }
        return 0
    }
}
