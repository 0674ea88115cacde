// Facts about the table of routes: which endpoint a method and a path lead to.

import Everycore
import EverycoreHTTP
import Testing

struct RouteTableTests {
    private func table(_ routes: String...) throws -> RouteTable {
        var builder = RouteTableBuilder()
        for route in routes {
            let parts = route.split(separator: " ")
            _ = builder.add(String(parts[0]), String(parts[1]))
        }
        return try builder.table()
    }

    private func match(_ table: RouteTable, _ path: String, _ method: Method = .get) -> RouteMatch {
        unsafe table.match(method, Array(path.utf8).span.bytes)
    }

    private func allowed(_ table: RouteTable, _ path: String) -> MethodSet {
        unsafe table.allowedMethods(Array(path.utf8).span.bytes)
    }

    private func found(_ endpoint: Int, _ captures: Range<Int>...) -> RouteMatch {
        .found(endpoint: endpoint, captures: captures)
    }

    @Test func `a static path is found only as a whole`() throws {
        let table = try table("GET /", "GET /plaintext", "GET /plaintext/long/path/of/many/segments")
        #expect(match(table, "/") == found(0))
        #expect(match(table, "/plaintext") == found(1))
        #expect(match(table, "/plaintext/long/path/of/many/segments") == found(2))
        for path in ["/plaintex", "/plaintextt", "/plaintext/", "/Plaintext", "//plaintext", "/plaintext/long"] {
            #expect(match(table, path) == .notFound, "\(path)")
        }
    }

    @Test func `a thousand static paths are told apart`() throws {
        let paths = (0..<1000).map { "/section/\($0 % 10)/item-\($0)" }
        var builder = RouteTableBuilder()
        for path in paths { _ = builder.add("GET", path) }
        let table = try builder.table()
        for (number, path) in paths.enumerated() {
            #expect(match(table, path) == found(number))
        }
        #expect(match(table, "/section/1/item-2") == .notFound)
    }

    @Test func `a parameter captures one segment that isn't empty`() throws {
        let table = try table("GET /users/:id", "GET /users/:id/files/:file")
        #expect(match(table, "/users/42") == found(0, 7..<9))
        #expect(match(table, "/users/42/files/a.txt") == found(1, 7..<9, 16..<21))
        for path in ["/users/", "/users", "/users/42/", "/users/42/files", "/users//files/a"] {
            #expect(match(table, path) == .notFound, "\(path)")
        }
    }

    @Test func `a catch-all captures the rest, which may be empty`() throws {
        let table = try table("GET /files/*rest")
        #expect(match(table, "/files/") == found(0, 7..<7))
        #expect(match(table, "/files/a") == found(0, 7..<8))
        #expect(match(table, "/files/a//b/") == found(0, 7..<12))
        #expect(match(table, "/files") == .notFound)
    }

    @Test func `static beats parameter beats catch-all`() throws {
        let table = try table("GET /*all", "GET /users/:id", "GET /users/me")
        #expect(match(table, "/users/me") == found(2))
        #expect(match(table, "/users/42") == found(1, 7..<9))
        #expect(match(table, "/users/42/more") == found(0, 1..<14))
        #expect(match(table, "/") == found(0, 1..<1))
    }

    @Test func `a branch that leads nowhere is taken back, with its captures`() throws {
        let table = try table("GET /a/b/c", "GET /a/:x/d", "GET /:y/b/e", "GET /:z/*rest")
        #expect(match(table, "/a/b/c") == found(0))
        #expect(match(table, "/a/b/d") == found(1, 3..<4))
        #expect(match(table, "/a/b/e") == found(2, 1..<2))
        #expect(match(table, "/a/b/f") == found(3, 1..<2, 3..<6))
    }

    @Test func `a method that only a less specific route offers is found there`() throws {
        let table = try table("GET /users/me", "POST /users/:id")
        #expect(match(table, "/users/me", .post) == found(1, 7..<9))
    }

    @Test func `a known path without the method lists every method that is offered there`() throws {
        let table = try table("GET /users/me", "DELETE /users/:id", "PUT /other")
        guard case .methodNotAllowed(let methods) = match(table, "/users/me", .post) else {
            Issue.record("not refused")
            return
        }
        #expect(methods.description == "GET, HEAD, DELETE, OPTIONS")
        #expect(table.allMethods.description == "GET, HEAD, PUT, DELETE, OPTIONS")
        #expect(allowed(table, "/users/me") == methods)
        #expect(allowed(table, "/nowhere").isEmpty)
    }

    @Test func `HEAD falls back to GET, and a HEAD route of its own wins`() throws {
        let table = try table("GET /a", "GET /b", "HEAD /b", "POST /c")
        #expect(match(table, "/a", .head) == found(0))
        #expect(match(table, "/b", .head) == found(2))
        guard case .methodNotAllowed = match(table, "/c", .head) else {
            Issue.record("HEAD was found without GET")
            return
        }
    }

    @Test func `an escaped letter is the same letter, an escaped slash is no separator`() throws {
        let table = try table("GET /hello", "GET /café", "GET /a/b", "GET /100%", "GET /p/:x")
        #expect(match(table, "/h%65llo") == found(0))
        #expect(match(table, "/caf%C3%A9") == found(1))
        #expect(match(table, "/a%2Fb") == .notFound)
        #expect(match(table, "/100%25") == found(3))
        #expect(match(table, "/p/a%2fb") == found(4, 3..<8))
    }

    @Test func `parameter names belong to their route, so different names don't conflict`() throws {
        var builder = RouteTableBuilder()
        #expect(builder.add("GET", "/users/:id") == ["id"])
        #expect(builder.add("PUT", "/users/:name") == ["name"])
        let table = try builder.table()
        #expect(match(table, "/users/7", .put) == found(1, 7..<8))
    }

    @Test func `a route that yields is left out beside one with its method and paths, and takes no number`() throws {
        var builder = RouteTableBuilder()
        #expect(builder.add("GET", "/a") == [])
        #expect(builder.add("GET", "/a", yields: true) == nil)
        #expect(builder.add("GET", "/b", yields: true) == [])
        let table = try builder.table()
        #expect(match(table, "/a") == found(0))
        #expect(match(table, "/b") == found(1))
    }

    @Test func `a method that is any token has routes of its own`() throws {
        var builder = RouteTableBuilder()
        for (method, pattern) in [("GET", "/a"), ("PURGE", "/a"), ("QUERY", "/:x"), ("PURGE", "/b/*rest")] { _ = builder.add(method, pattern) }
        #expect(builder.add("PURGE", "/a", yields: true) == nil)
        let table = try builder.table()
        func other(_ name: String) -> Int? { unsafe table.otherMethod(named: Array(name.utf8).span.bytes) }
        func match(_ name: String, _ path: String) -> RouteMatch? {
            other(name).map { number in unsafe table.search(other: number, Array(path.utf8).span.bytes) }
        }
        #expect(other("BREW") == nil && other("PURG") == nil && other("purge") == nil)
        #expect(match("PURGE", "/a") == .found(endpoint: 1, captures: []))
        #expect(match("QUERY", "/a") == .found(endpoint: 2, captures: [1..<2]))
        #expect(match("PURGE", "/b/c/d") == .found(endpoint: 3, captures: [3..<6]))
        #expect(match("PURGE", "/c/d") == .notFound)
        guard case .methodNotAllowed(let methods) = match("PURGE", "/c") else {
            Issue.record("found")
            return
        }
        #expect(methods.description == "OPTIONS, QUERY")
        #expect(allowed(table, "/a").description == "GET, HEAD, OPTIONS, PURGE, QUERY")
        #expect(table.allMethods.description == "GET, HEAD, OPTIONS, PURGE, QUERY")
        #expect(unsafe table.match(.post, Array("/b/c".utf8).span.bytes) == .methodNotAllowed(allowed(table, "/b/c")))
    }

    @Test(arguments: [Method.trace, .connect, .other])
    func `a method that no route has finds paths without it`(method: Method) throws {
        let table = try table("GET /")
        #expect(match(table, "/", method) == .methodNotAllowed(allowed(table, "/")))
        #expect(match(table, "/a", method) == .notFound)
    }

    @Test(arguments: ["", "/", "//", "///////", "a", "*", "/%", "/%zz", "/a/%2", "/../a"])
    func `no path traps`(path: String) throws {
        let table = try table("GET /a/b/c", "GET /a/:b/:c", "POST /x")
        #expect(match(table, path) == .notFound)
    }

    @Test func `a table without routes finds nothing`() throws {
        let table = try table()
        #expect(match(table, "/") == .notFound)
        #expect(table.allMethods.description == "OPTIONS")
    }
}

struct RouteErrorTests {
    private func errors(_ routes: (String, String)...) -> [RouteError.Reason] {
        do throws(RouteErrors) {
            var builder = RouteTableBuilder()
            for (method, pattern) in routes { _ = builder.add(method, pattern) }
            _ = try builder.table()
            return []
        } catch {
            return error.errors.map(\.reason)
        }
    }

    @Test func `every mistake in a set of routes is reported, in order`() {
        #expect(
            errors(
                ("GET", "/fine"), ("GET", "hello"), ("GET", ""), ("GET", "/a?b"), ("GET", "/a#b"), ("GET", "/:"),
                ("GET", "/a/*"), ("GET", "/:a/:a"), ("GET", "/*rest/more"), ("G T", "/"), ("", "/"), ("TRACE", "/"),
                ("CONNECT", "/"), ("GET", "/fine")
            ) == [
                .noLeadingSlash, .noLeadingSlash, .queryOrFragment, .queryOrFragment, .unnamedParameter,
                .unnamedParameter, .repeatedParameter("a"), .catchAllNotLast, .methodNotOffered, .methodNotOffered,
                .methodNotOffered, .methodNotOffered, .duplicate(of: "/fine"),
            ])
    }

    @Test func `routes that match the same paths are duplicates, whatever their parameters are called`() {
        #expect(errors(("GET", "/a/:b"), ("GET", "/a/:c")) == [.duplicate(of: "/a/:b")])
        #expect(errors(("GET", "/*b"), ("GET", "/*c")) == [.duplicate(of: "/*b")])
        #expect(errors(("GET", "/a/:b"), ("POST", "/a/:c")) == [])
    }

    @Test func `an error names the route and what is wrong with it`() {
        let error = #expect(throws: RouteErrors.self) {
            var builder = RouteTableBuilder()
            _ = builder.add("GET", "/a/:b")
            _ = builder.add("GET", "/a/:c")
            _ = try builder.table()
        }
        #expect(error?.description == "route GET /a/:c: matches the same paths as /a/:b")
    }
}
