// Puts names to the frames of a stack, by what the worker has mapped where and by the symbols of these files. It reads files that others
// have made and may fall over them: it runs in a process of its own (StackNaming.swift).
// Process: the one that names frames · Thread: its only one

internal import CEverycorePosix
internal import Glibc

/// Frames of one process, to be named.
package struct StackRequest: Equatable, Sendable {
    package let pid: Int32
    /// As the worker's signal handler has left them.
    package let frames: [UInt64]
    /// Without what called the program's own code.
    package let isTrimmed: Bool

    package init(pid: Int32, frames: [UInt64], isTrimmed: Bool) {
        self.pid = pid
        self.frames = frames
        self.isTrimmed = isTrimmed
    }
}

package struct StackNames {
    package struct Frame: Equatable {
        package let text: String
        /// Nil for code that isn't Swift's, and for what has no name.
        package let module: String?
        package let hasName: Bool
        /// Found in a gap of the chain of frame pointers.
        package let isGuess: Bool

        package init(text: String, module: String?, hasName: Bool = true, isGuess: Bool = false) {
            self.text = text
            self.module = module
            self.hasName = hasName
            self.isGuess = isGuess
        }
    }

    /// The modules whose frames lie around the program's own.
    private let serviceModules: Set<String>

    private static let trimmedCount = 24
    private static let guessMark: UInt64 = 1 << 63

    package init(serviceModules: Set<String>) { self.serviceModules = serviceModules }

    /// The innermost function first.
    package func names(of request: StackRequest) -> [String] {
        let frames = Self.certain(Self.frames(of: request))
        return Self.withoutRepetitions((request.isTrimmed ? Array(trimmed(frames).prefix(Self.trimmedCount)) : frames).map(\.text))
    }

    // MARK: Names

    /// A worker of another user can't be looked at; as a fork of the same process it has the same addresses as this one.
    private static func frames(of request: StackRequest) -> [Frame] {
        let text = readSmallFile("/proc/\(request.pid)/maps") ?? ""
        let map = MemoryMap(text.isEmpty ? readSmallFile("/proc/self/maps") ?? "" : text)
        // A return address is that of the next instruction, which may be another function's.
        let addresses = request.frames.enumerated().map { index, frame in (frame & ~guessMark) &- (index == 0 ? 0 : 1) }
        var offsets: [String: (mapping: MemoryMap.Mapping, offsets: [UInt64])] = [:]
        for address in addresses {
            guard let mapping = map.mapping(of: address) else { continue }
            offsets[mapping.path, default: (mapping, [])].offsets.append(mapping.fileOffset(of: address))
        }
        let functions = offsets.mapValues { module -> [UInt64: String] in
            guard let file = ModuleFile.open(module.mapping, of: request.pid), let symbols = SymbolFile(taking: file) else { return [:] }
            return symbols.functions(at: module.offsets)
        }
        return zip(addresses, request.frames).compactMap { address, frame in
            let isGuess = frame & guessMark != 0
            guard let mapping = map.mapping(of: address) else {
                return Frame(text: "0x" + String(address, radix: 16), module: nil, hasName: false, isGuess: isGuess)
            }
            let offset = mapping.fileOffset(of: address)
            guard let symbol = functions[mapping.path]?[offset] else {
                let place = LogText.plain(mapping.name, limit: 60) + "+0x" + String(offset, radix: 16)
                return Frame(text: place, module: nil, hasName: false, isGuess: isGuess)
            }
            return FrameName(symbol: symbol).map { Frame(text: $0.text, module: $0.module, isGuess: isGuess) }
        }
    }

    // MARK: Which frames are shown

    /// Without guesses that are wrong. A Swift function keeps its frame pointer, so the frame after it is its caller's; for any other the
    /// caller is among the guesses: the first Swift function, and before it the C functions on the way there.
    package static func certain(_ frames: [Frame]) -> [Frame] {
        var result: [Frame] = []
        var guesses: [Frame] = []
        var isAfterSwift = false
        for frame in frames {
            if frame.isGuess {
                if !isAfterSwift { guesses.append(frame) }
                continue
            }
            result += callers(among: guesses)
            guesses = []
            result.append(frame)
            isAfterSwift = frame.module != nil
        }
        return result + callers(among: guesses)
    }

    private static func callers(among guesses: [Frame]) -> [Frame] {
        guard let caller = guesses.firstIndex(where: { $0.module != nil }) else { return [] }
        return guesses[..<caller].filter(\.hasName) + [guesses[caller]]
    }

    /// Up to the outermost frame of the program's own; all of them where there is none.
    package func trimmed(_ frames: [Frame]) -> [Frame] {
        let last = frames.lastIndex { frame in frame.module.map { !serviceModules.contains($0) && !Self.runtimeModules.contains($0) } ?? false }
        return last.map { Array(frames[...$0]) } ?? frames
    }

    private static let runtimeModules: Set<String> = ["Swift", "_Concurrency", "_StringProcessing", "Synchronization"]

    /// What is inlined, specialised and forwarded has the same name several times.
    private static func withoutRepetitions(_ names: [String]) -> [String] {
        names.reduce(into: []) { if $0.last != $1 { $0.append($1) } }
    }
}

extension StackNames {
    /// A stack on its way to the master: a line, whose frames have tabs between them.
    package static func line(_ names: [String]) -> [UInt8] { Array((names.joined(separator: "\t") + "\n").utf8) }

    /// What came, whole stacks only. It may be anything.
    package static func stacks(in answer: [UInt8]) -> [[String]] {
        answer.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).dropLast().map { line in
            line.split(separator: UInt8(ascii: "\t")).prefix(cposix_stack_frame_limit).map { LogText.plain(String(decoding: $0, as: UTF8.self)) }
        }
    }
}

/// The file that is mapped, which may have been replaced since.
enum ModuleFile {
    /// - Returns: a descriptor.
    static func open(_ mapping: MemoryMap.Mapping, of pid: Int32) -> Int32? {
        if !mapping.isDeleted, let file = open(mapping.path, mapping) { return file }
        let range = String(mapping.range.lowerBound, radix: 16) + "-" + String(mapping.range.upperBound, radix: 16)
        if let file = open("/proc/\(pid)/map_files/\(range)", nil) { return file }
        for link in ["/proc/\(pid)/exe", "/proc/self/exe"] where isLink(link, to: mapping) {
            if let file = open(link, nil) { return file }
        }
        return nil
    }

    /// - Parameter mapping: what the path has to lead to.
    private static func open(_ path: String, _ mapping: MemoryMap.Mapping?) -> Int32? {
        let descriptor = unsafe Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
        guard descriptor >= 0 else { return nil }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG, mapping.map({ isFile(status, $0) }) ?? true else {
            close(descriptor)
            return nil
        }
        return descriptor
    }

    /// Some file systems (overlayfs) give a file another device's number when it is asked for: then its number says nothing.
    private static func isFile(_ status: stat, _ mapping: MemoryMap.Mapping) -> Bool {
        let device = UInt64(status.st_dev)
        let (major, minor) = (device >> 8 & 0xFFF | device >> 32 & ~0xFFF, device & 0xFF | device >> 12 & ~0xFF)
        let numbers = mapping.device.split(separator: ":").map { UInt64($0, radix: 16) }
        return numbers != [major, minor] || UInt64(status.st_ino) == mapping.inode
    }

    private static func isLink(_ link: String, to mapping: MemoryMap.Mapping) -> Bool {
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = unsafe bytes.withUnsafeMutableBytes { bytes in
            guard let base = bytes.baseAddress else { return -1 }
            return unsafe readlink(link, base.assumingMemoryBound(to: CChar.self), bytes.count)
        }
        guard count > 0 else { return false }
        let path = String(decoding: bytes[..<count], as: UTF8.self)
        return path == mapping.path + (mapping.isDeleted ? " (deleted)" : "")
    }
}
