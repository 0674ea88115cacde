// Bodies longer than memory, both ways: what is sent or received never waits here as a whole.
//
//   swift run --package-path Sources/Examples -c release streaming
//   curl -T big.file http://127.0.0.1:8080/upload
//   curl -o /dev/null 'http://127.0.0.1:8080/download?bytes=10000000000'

import Everycore

try Server { routes in
    routes.stream(.put, "/upload", upTo: 1 << 40) { _, body in
        var size = 0
        for try await piece in body { size += piece.count }
        return .text("\(size) bytes\n")
    }

    routes.get("/download") { request in
        guard let length = request.queryItem("bytes").flatMap(UInt64.init) else {
            throw HTTPError(400, "say how many: /download?bytes=1000")
        }
        return .stream(length: length, contentType: "application/octet-stream") { writer in
            let piece = [UInt8](repeating: UInt8(ascii: "x"), count: 65536)
            var left = length
            while left > 0 {
                try await writer.write(left < 65536 ? Array(piece.prefix(Int(left))) : piece)
                left -= min(left, 65536)
            }
        }
    }
}
.run()
