// From a path below the root to what is there, by asking the file system: a file, its compressed siblings, a directory.
//
// Worker, on the loop's thread; at most once a second for each path that is asked for often.

internal import EverycoreHTTP
internal import Glibc

extension StaticFiles {
    enum Found {
        case file(FilePath, OpenFile)
        /// A directory whose path was written like a file's.
        case directory(FilePath)
        case listing(FilePath, OpenFile)
    }

    func find(_ path: FilePath) throws(OpenFailure) -> Found {
        guard path.isDirectory || path.bytes.isEmpty else {
            let file = try root.open(path)
            return file.isDirectory ? .directory(path) : .file(path, file)
        }
        for name in settings.index {
            let page = path.appending(name)
            do throws(OpenFailure) {
                let file = try root.open(page)
                if !file.isDirectory { return .file(page, file) }
            } catch {
                if error != .absent { throw error }
            }
        }
        guard settings.listing else { throw .absent }
        let directory = try root.open(path)
        guard directory.isDirectory else { throw .absent }
        return .listing(path, directory)
    }

    /// Looks at a file's siblings, and makes the resource anew. Contents that are in memory stay there where their file is
    /// the same.
    /// - Returns: the files too, opened, each at its representation's index.
    func examine(
        _ path: FilePath, _ file: OpenFile, previous: Resource?, at start: UInt64
    ) throws -> (resource: Resource, files: [OpenFile]) {
        var files = [file]
        var codings: [ContentCoding?] = [nil]
        let now = now()
        if settings.precompressed, !ContentCoding.allCases.contains(where: { path.hasSuffix($0.suffix) }), MediaType.coding(of: path.bytes) == nil {
            for coding in ContentCoding.allCases {
                // One that can't be read, or is out of date, is as good as absent: the file itself is there.
                guard let sibling = try? root.open(path.withSuffix(coding.suffix)), isUsable(sibling, of: file) else { continue }
                files.append(sibling)
                codings.append(coding)
            }
        }
        let contentType = type(of: path)
        let cacheControl = settings.cacheControl.first { $0.matches(path.bytes) }?.value
        var representations: [Representation] = []
        for (file, coding) in zip(files, codings) {
            let representation = try Representation(
                path: coding.map { path.withSuffix($0.suffix) } ?? path, facts: file.facts, coding: coding,
                contentType: contentType, cacheControl: cacheControl, isNegotiated: files.count > 1, now: now)
            let same = previous?.representations.first { $0.coding == coding && $0.facts == file.facts && $0.path == representation.path }
            representation.content = same?.content
            representations.append(representation)
        }
        return (Resource(representations: representations, checkedAt: start), files)
    }

    /// Whether a sibling can be a compressed form of the file as it is: it isn't older, and not empty, which no coding's form of
    /// anything is. Programs that unpack or copy a site write the two within moments, in any order: so much older it may be.
    private func isUsable(_ sibling: OpenFile, of file: OpenFile) -> Bool {
        !sibling.isDirectory && sibling.facts.size > 0 && sibling.facts.seconds >= file.facts.seconds &- Self.siblingTolerance
    }

    /// In seconds.
    private static var siblingTolerance: Int64 { 2 }
}

extension FilePath {
    func hasSuffix(_ suffix: String) -> Bool { bytes.suffix(suffix.utf8.count).elementsEqual(suffix.utf8) }
}
