// A worker that is taken over and gives its own service orders.
// Runs in the workers.

#if TestPrograms
import Everycore
import Glibc

func addOrders(_ routes: inout Routes) {
    routes.get("/order") { request in
        .text(order(request.queryItem("verb") ?? "", at: request.queryItem("socket") ?? ""))
    }
}

/// Connects to the control socket, and waits for all of the answer.
private func order(_ verb: String, at path: String) -> String {
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path.utf8.prefix(107)) }
    let connected = unsafe withUnsafeBytes(of: &address) { bytes in
        unsafe connect(descriptor, bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self), socklen_t(bytes.count))
    }
    guard connected == 0 else { return "not connected: \(errno)\n" }
    let head = Array("POST /control/\(verb) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 0\r\n\r\n".utf8)
    _ = unsafe head.withUnsafeBytes { unsafe send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
    var answer: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 4096)
    while answer.count < 65_536 {
        let count = unsafe chunk.withUnsafeMutableBytes { unsafe recv(descriptor, $0.baseAddress, $0.count, 0) }
        guard count > 0 else { break }
        answer += chunk.prefix(count)
    }
    return String(decoding: answer, as: UTF8.self)
}
#endif
