// Where a response ends, from its status, its content and its client. Pure.

/// How the client knows where the content ends.
enum ResponseFraming: Equatable {
    case noContent, length(UInt64), chunked, connectionEnd

    /// RFC 9110 §6.4.1, §15.3.5, §15.3.6, §15.4.5, RFC 9112 §6.1. The same for HEAD as for GET.
    init(status: Int, content: ResponseEncoder.Content, minorVersion: Int) {
        if status < 200 || status == 204 || status == 304 {
            self = .noContent
        } else if status == 205 {
            self = .length(0)
        } else {
            switch content {
            case .none: self = .length(0)
            case .length(let length): self = .length(length)
            case .unknownLength: self = minorVersion == 0 ? .connectionEnd : .chunked
            }
        }
    }

    func body(of content: ResponseEncoder.Content) -> ResponseEncoder.Outcome.Body {
        switch self {
        case .noContent: .omitted
        // A 205 has no content, whatever was meant for it.
        case .length(let length): content == .length(length) ? .identity : .omitted
        case .chunked: .chunked
        case .connectionEnd: .identity
        }
    }
}
