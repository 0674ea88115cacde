// The walk from frame to frame, on this thread's own stack and on stacks that lie.

import CEverycorePosix
import Cluster
import Glibc
import Testing

@Suite(.serialized) struct StackWalkTests {
    /// A stack in memory of its own: words from 0, and the memory around it that must not be read.
    @safe private final class Stack {
        let count: Int
        private let pages: UnsafeMutableRawPointer
        let words: UnsafeMutablePointer<UInt64>

        init(_ count: Int = 512) {
            self.count = count
            // Three pages, of which the middle one can be read: what lies beside it ends the test.
            unsafe pages = mmap(nil, 3 * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
            unsafe mprotect(pages + 4096, 4096, PROT_READ | PROT_WRITE)
            unsafe words = (pages + 4096).bindMemory(to: UInt64.self, capacity: 512)
        }

        deinit { unsafe munmap(pages, 3 * 4096) }

        func address(_ index: Int) -> UInt64 { unsafe UInt64(UInt(bitPattern: words + index)) }

        /// - Returns: the frames after the first.
        func walk(frame: UInt64, stack: UInt64? = nil, bottom: UInt64? = nil, top: UInt64? = nil, limit: Int = 64) -> [UInt64] {
            var registers = cposix_registers()
            registers.instruction = 1
            registers.frame = UInt(frame)
            registers.stack = UInt(stack ?? address(0))
            var frames = [UInt64](repeating: 0, count: 64)
            let found = unsafe cposix_walk_stack(&registers, UInt(bottom ?? address(0)), UInt(top ?? address(count)), &frames, limit)
            #expect((1...limit).contains(found) && frames[0] == 1)
            return Array(frames[1..<found])
        }
    }

    /// Return addresses in this program.
    private static let returns: [UInt64] = {
        let area = UnsafeMutablePointer<UInt64>.allocate(capacity: cposix_stack_word_count)
        unsafe area.initialize(repeating: 0, count: cposix_stack_word_count)
        return unsafe within(area)
    }()

    /// The stack of this thread while it asks for it, from here on.
    @inline(never)
    private static func within(_ area: UnsafeMutablePointer<UInt64>) -> [UInt64] {
        unsafe cposix_answer_for_stack(area)
        return unsafe outer(area)
    }

    @inline(never)
    private static func outer(_ area: UnsafeMutablePointer<UInt64>) -> [UInt64] {
        let frames = unsafe inner(area)
        return frames.map { $0 & ~(1 << 63) }
    }

    @inline(never)
    private static func inner(_ area: UnsafeMutablePointer<UInt64>) -> [UInt64] {
        cposix_show_own_stack(7)
        let area = unsafe StackArea(at: area)
        #expect(area.frames(answering: 8) == nil && area.frames(answering: 6) == area.frames(answering: 7))
        return area.frames(answering: 7) ?? []
    }

    private func names(_ frames: [UInt64]) -> [String] {
        StackNames(serviceModules: []).names(of: StackRequest(pid: getpid(), frames: frames, isTrimmed: false))
    }

    @Test func findsTheFunctionsOfThisThread() throws {
        let names = names(Self.returns)
        let inner = try #require(names.firstIndex(of: "StackWalkTests.inner"), "\(names)")
        #expect(Array(names[inner...].prefix(2)) == ["StackWalkTests.inner", "StackWalkTests.outer"], "\(names)")
        #expect(names.contains { $0.contains("sigqueue") || $0.contains("kill") || $0.contains("+0x") })
        // It ends where it was asked to.
        #expect(names.count < 12)
    }

    private var someReturns: [UInt64] { Array(Self.returns.dropFirst().suffix(2)) }

    @Test func followsTheChainToItsEnd() throws {
        let stack = Stack()
        let (one, two) = try #require(someReturns.count == 2 ? (someReturns[0], someReturns[1]) : nil)
        unsafe stack.words[10] = stack.address(20)
        unsafe stack.words[11] = one
        // An async function's.
        unsafe stack.words[20] = stack.address(510) | 1 << 60
        unsafe stack.words[21] = two
        unsafe stack.words[510] = 0
        unsafe stack.words[511] = 0
        #expect(stack.walk(frame: stack.address(10)).prefix(2) == [one, two])
        #expect(stack.walk(frame: stack.address(10), limit: 2) == [one])
        // Frames below the stack pointer are over.
        #expect(stack.walk(frame: stack.address(10), stack: stack.address(12)).contains(one) == false)
    }

    @Test func findsTheNextFrameBehindAGap() throws {
        let stack = Stack()
        let (one, two) = try #require(someReturns.count == 2 ? (someReturns[0], someReturns[1]) : nil)
        unsafe stack.words[5] = one
        unsafe stack.words[30] = stack.address(40)
        unsafe stack.words[31] = two
        unsafe stack.words[40] = stack.address(512)
        unsafe stack.words[41] = one
        #expect(stack.walk(frame: 0x1234).prefix(3) == [one | 1 << 63, two, one])
    }

    @Test(arguments: [0, 1, 7, 8, UInt64.max, .max - 7, 1 << 60, 1 << 63, 0x7FFF_FFFF_FFF8, 4096] as [UInt64])
    func readsNothingBesideTheStackWhateverTheRegistersSay(_ value: UInt64) {
        let stack = Stack()
        #expect(stack.walk(frame: value).isEmpty)
        #expect(stack.walk(frame: value, stack: value).isEmpty)
        #expect(stack.walk(frame: value, top: stack.address(0)).isEmpty)
        #expect(stack.walk(frame: stack.address(0), top: 0).isEmpty)
        #expect(stack.walk(frame: stack.address(0), top: 8).isEmpty)
        #expect(stack.walk(frame: stack.address(511), stack: stack.address(511)).isEmpty)
        #expect(stack.walk(frame: value, stack: value, bottom: 0, top: .max).isEmpty)
        #expect(stack.walk(frame: stack.address(0), stack: value, bottom: value, top: value).isEmpty)
    }

    @Test func readsNothingThatCanNotBeReadWithinTheBounds() throws {
        let stack = Stack()
        let (below, above) = (stack.address(0) - 4096, stack.address(512) + 4096)
        let one = try #require(someReturns.first)
        #expect(stack.walk(frame: below + 8, stack: below, bottom: below, top: above).isEmpty)
        // The chain, and the search, go on where nothing can be read.
        unsafe stack.words[500] = stack.address(600)
        unsafe stack.words[501] = one
        #expect(stack.walk(frame: stack.address(500), top: above) == [one])
        unsafe stack.words[511] = one
        #expect(stack.walk(frame: stack.address(511), stack: stack.address(505), top: above) == [one | 1 << 63])
    }

    @Test func survivesALibraryThatIsUnloaded() throws {
        let (library, symbol) = ("libBrokenLocale.so.1", "__ctype_get_mb_cur_max")
        guard let handle = unsafe dlopen(library, RTLD_NOW | RTLD_LOCAL) else { return }
        cposix_find_code()
        defer { cposix_find_code() }
        let code = unsafe UInt64(UInt(bitPattern: dlsym(handle, symbol)))
        try #require(code != 0)
        unsafe dlclose(handle)
        let stack = Stack()
        for index in 0..<stack.count { unsafe stack.words[index] = index % 2 == 0 ? stack.address(index + 2) : code + UInt64(index) }
        _ = stack.walk(frame: stack.address(0))
    }

    @Test func readsNothingBesideTheStackWhateverItHolds() throws {
        let stack = Stack()
        let returns = someReturns
        try #require(returns.count == 2)
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<3000 {
            for index in 0..<stack.count {
                unsafe stack.words[index] =
                    switch generator.next() % 6 {
                    case 0: stack.address(Int(generator.next() % 600))
                    case 1: returns[0]
                    case 2: returns[1]
                    case 3: stack.address(index) &+ 8 &* (generator.next() % 8)
                    case 4: generator.next()
                    default: stack.address(0) &- 16 &+ generator.next() % 64
                    }
            }
            _ = stack.walk(frame: stack.address(Int(generator.next() % 512)), stack: stack.address(Int(generator.next() % 512)))
        }
    }
}
