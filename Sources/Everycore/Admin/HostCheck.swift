// Which names the admin pages answer to. A page of another site can give its own name this machine's address ("DNS rebinding"): the browser then
// lets it read what it gets. Such a request says the site's name in its Host field, so any name that isn't known is refused. Numbers are no
// names: nobody else's page comes from this address.
// Process: admin · Thread: loop

struct HostCheck: Middleware {
    /// In small letters.
    let names: Set<String>

    init(names: [String]) { self.names = Set(names.map { $0.lowercased() }).union(["localhost"]) }

    func before(_ request: Request) -> Response? {
        // A client without the field is no browser.
        guard let authority = request.authority, !allows(authority) else { return nil }
        return Response(
            status: 421, contentType: .plain,
            body: .text("421 The admin pages don't answer to this name: ask by address or localhost, or add the name to admin_hosts.\n"))
    }

    func allows(_ authority: String) -> Bool {
        var host = Substring(authority)
        if host.hasPrefix("[") {
            guard let end = host.firstIndex(of: "]") else { return false }
            return isIPv6(String(host[host.index(after: host.startIndex)..<end]))
        }
        if let colon = host.lastIndex(of: ":") { host = host[..<colon] }
        if host.hasSuffix(".") { host = host.dropLast() }
        return isIPv4(String(host)) || names.contains(host.lowercased())
    }
}
