// How the access log's place and form are written. Pure; runs in the process that reads the configuration, before any fork.

extension ValueFormat where Value == ServerConfiguration.AccessLog.Target {
    package static let accessLog = ValueFormat(
        scalar: .word, expectation: "stdout, the path of a file (at most 4095 bytes), or off",
        parse: { text in
            switch text {
            case "off": .off
            case "stdout": .stdout
            default: isPath(text, atMost: 4095) ? .path(text) : nil
            }
        },
        render: { target in
            switch target {
            case .off: "off"
            case .stdout: "stdout"
            case .path(let path): path
            }
        },
        accepts: { target in
            // What would be read as another target when it is written down.
            if case .path(let path) = target { isPath(path, atMost: 4095) && path != "off" && path != "stdout" } else { true }
        })
}

extension ValueFormat where Value == ServerConfiguration.AccessLog.Format {
    package static let accessLogFormat = ValueFormat(
        scalar: .word, expectation: "common, combined or json",
        parse: Value.init(rawValue:), render: \.rawValue, accepts: { _ in true })
}
