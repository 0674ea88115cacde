// What a client asks for before a representation is sent: not if it has it already, only if it still is this one, only a part.
//
// Pure; runs in the workers, for requests for files that have one of these fields.

internal import EverycoreHTTP

/// The fields of a request that decide how much of a representation is sent. Several lines of one name count as one list.
package struct Preconditions: Sendable {
    package var ifMatch: String?
    package var ifUnmodifiedSince: String?
    package var ifNoneMatch: String?
    package var ifModifiedSince: String?
    package var ifRange: String?
    package var range: String?

    package init() {}

    init(_ head: RequestHead) {
        func value(_ name: String) -> String? {
            let values = head.values(of: name)
            return values.count > 1 ? values.joined(separator: ", ") : values.first
        }
        ifMatch = value("If-Match")
        ifUnmodifiedSince = value("If-Unmodified-Since")
        ifNoneMatch = value("If-None-Match")
        ifModifiedSince = value("If-Modified-Since")
        ifRange = value("If-Range")
        range = value("Range")
    }
}

/// By what a client recognises the version that it has.
package struct Validators: Sendable, Equatable {
    /// Weak where the date is no strong validator either.
    package let tag: EntityTag
    /// Seconds since 1970; nil where no date says when the version came to be.
    package let lastModified: Int64?

    package init(tag: EntityTag, lastModified: Int64?) {
        self.tag = tag
        self.lastModified = lastModified
    }
}

extension Preconditions {
    package enum Outcome: Sendable, Equatable {
        /// The representation is sent; the part of it that `Range` wants, where there is one and it counts.
        case proceed(range: String?)
        /// 304
        case notModified
        /// 412
        case failed
    }

    /// Evaluates in the order of RFC 9110 §13.2.2, for a GET or HEAD of a representation that exists.
    ///
    /// A date that is none is as good as absent, and so is every date where the representation has none (§13.1.3, §13.1.4).
    package func evaluate(_ current: Validators, isGet: Bool, now: Int64) -> Outcome {
        if let ifMatch {
            guard EntityTagList(parsing: ifMatch).contains(where: current.tag.matchesStrongly) else { return .failed }
        } else if let date = ifUnmodifiedSince.flatMap({ HTTPDate.parse($0, now: now) }), let last = current.lastModified, last > date {
            return .failed
        }
        if let ifNoneMatch {
            if EntityTagList(parsing: ifNoneMatch).contains(where: current.tag.matchesWeakly) { return .notModified }
        } else if let date = ifModifiedSince.flatMap({ HTTPDate.parse($0, now: now) }), let last = current.lastModified, last <= date {
            return .notModified
        }
        // Range means something for GET alone (§14.2).
        guard isGet, let range else { return .proceed(range: nil) }
        if let ifRange, !isStill(current, ifRange, now: now) { return .proceed(range: nil) }
        return .proceed(range: range)
    }

    /// Whether what the client has a part of is what there is now (§13.1.5). Only strong validators can tell, and a date only
    /// when it is exactly the same.
    private func isStill(_ current: Validators, _ ifRange: String, now: Int64) -> Bool {
        if let tag = EntityTag(parsing: ifRange) { return tag.matchesStrongly(current.tag) }
        guard let date = HTTPDate.parse(ifRange, now: now) else { return false }
        return !current.tag.isWeak && date == current.lastModified
    }
}
