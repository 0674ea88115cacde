// The program of a build without the trait Command: it says how to build the command.
// Process: master, before the fork · Thread: main

#if !Command
import Glibc

@main enum WithoutCommand {
    static func main() {
        var text = "error: everycore is built without its command; swift build --traits Command builds it, scripts/run with all codings\n"
        text.withUTF8 { _ = unsafe write(2, $0.baseAddress, $0.count) }
        exit(69)
    }
}
#endif
