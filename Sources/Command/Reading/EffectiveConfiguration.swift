// What `everycore check` prints: a configuration file with every setting, and behind each where its value comes from.
// Read again as a file it gives the same configuration.
// Process: master · Thread: main, before the fork and at a reload

#if Command
import Everycore

package func effectiveConfiguration(_ loaded: LoadedConfiguration) -> String {
    var text = ""
    var group: String?
    for setting in Setting.all {
        if setting.group != group {
            group = setting.group
            if let group { text += "\(group):\n" }
        }
        let value = yamlScalar(setting.text(in: loaded.configuration))
        let origin = loaded.origins[setting.key] ?? .standard
        text += "\(group == nil ? "" : "  ")\(setting.name): \(value)  # \(commentText(origin.note))\n"
    }
    return text
}

/// Plain where that is unambiguous, else in double quotes (YAML 1.2 §7.3.1).
private func yamlScalar(_ text: String) -> String {
    let plain = text.utf8.allSatisfy { byte in
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2E, 0x2F, 0x3A, 0x5F, 0x2D: true
        default: false
        }
    }
    let safeEnds = text.first != "-" && text.first != ":" && text.last != ":"
    if plain, safeEnds, !["", "null", "Null", "NULL"].contains(text) { return text }
    var quoted = "\""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\"", "\\": quoted += "\\\(scalar)"
        case _ where scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value):
            let digits = String(scalar.value, radix: 16)
            quoted += "\\x" + (digits.count < 2 ? "0" : "") + digits
        default: quoted.unicodeScalars.append(scalar)
        }
    }
    return quoted + "\""
}

private func commentText(_ text: String) -> String {
    text.unicodeScalars.contains { $0.properties.generalCategory == .control } ? printable(text) : text
}
#endif
