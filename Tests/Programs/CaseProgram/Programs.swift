// Programs that a handler starts, in the two ways that Swift has for it: what they inherit is the framework's doing.
// Process: worker · Thread: loop

#if TestPrograms
import Everycore
import Foundation

func addPrograms(_ routes: inout Routes) {
    routes.get("/process") { request in
        let program = Process()
        program.executableURL = URL(fileURLWithPath: "/bin/sh")
        program.arguments = ["-c", request.queryItem("command") ?? "true"]
        let output = Pipe()
        program.standardOutput = output
        program.standardError = output
        try program.run()
        let text = output.fileHandleForReading.readDataToEndOfFile()
        program.waitUntilExit()
        return .bytes(Array(text))
    }
    routes.get("/popen") { request in
        guard let output = unsafe popen(request.queryItem("command") ?? "true", "r") else { return .text("popen: errno \(errno)\n") }
        defer { unsafe pclose(output) }
        var text: [UInt8] = []
        while case let byte = unsafe fgetc(output), byte != EOF { text.append(UInt8(truncatingIfNeeded: byte)) }
        return .bytes(text)
    }
}
#endif
