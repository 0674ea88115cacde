// Which methods a server knows, and which of them a path has.
// Runs in a worker, on the loop's thread, off the way of requests for paths without parameters.

internal import EverycoreHTTP

extension RoutedApplication {
    /// Every method of every route and file: the answer to `OPTIONS *`.
    var allMethods: MethodSet {
        var methods = table.allMethods
        if files != nil { methods.formUnion(StaticFiles.methods) }
        if let afterFiles { methods.formUnion(afterFiles.table.allMethods) }
        return methods
    }

    /// Whether RFC 9110, RFC 5789 or some route has the method. CONNECT is for proxies.
    func knows(_ head: RequestHead) -> Bool {
        switch head.method {
        case .connect: false
        case .other: number(of: head, in: table) != nil || afterFiles.map { number(of: head, in: $0.table) != nil } ?? false
        default: true
        }
    }

    private func number(of head: RequestHead, in table: RouteTable) -> Int? {
        head.withBytes(head.methodRange) { table.otherMethod(named: $0) }
    }

    /// What a table has for a request. A method that none of its routes has finds a path without it, or no path.
    func search(_ table: RouteTable, _ head: RequestHead) -> RouteMatch {
        if head.method == .other, let number = number(of: head, in: table) {
            return head.withPath { table.search(other: number, $0) }
        }
        return head.withPath { table.search(head.method, $0) }
    }
}
