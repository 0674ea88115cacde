// The environment variables that begin with EVERYCORE_. A name that is no setting is refused, so that a typo is noticed.
// Process: master · Thread: main, before the fork and at a reload

#if Command
import Everycore
@unsafe @preconcurrency import Glibc

/// Names the configuration file, unless `--config` does.
package let configurationFileVariable = "EVERYCORE_CONFIG"

/// The variables of this process that are meant for the server. The master has one thread, so nothing changes them meanwhile.
package func everycoreEnvironment() -> [String: String] {
    var found: [String: String] = [:]
    var next = unsafe environ
    while let entry = unsafe next.pointee {
        let pair = unsafe String(cString: entry)
        if pair.hasPrefix(Setting.environmentPrefix), let equals = pair.firstIndex(of: "=") {
            let name = String(pair[..<equals])
            // getenv(3) takes the first of two.
            if found[name] == nil { found[name] = String(pair[pair.index(after: equals)...]) }
        }
        unsafe next += 1
    }
    return found
}

/// What is wrong with these variables: names that are no setting, values that their setting doesn't take.
package func problems(in environment: [String: String]) -> [String] {
    let settings = Dictionary(Setting.all.map { ($0.environmentName, $0) }) { first, _ in first }
    var scratch = ServerConfiguration()
    return environment.sorted { $0.key < $1.key }.compactMap { name, value in
        if name == configurationFileVariable { return nil }
        let reason = settings[name].map { $0.apply(value, to: &scratch) } ?? unknownVariable(name)
        return reason.map { "environment: \(name): \($0)\(linkHint(name: name, value: value))" }
    }
}

/// Kubernetes and old Docker links describe a service called `everycore` in variables that look like ours (EVERYCORE_PORT=tcp://…).
private func linkHint(name: String, value: String) -> String {
    let linked = name.hasPrefix("EVERYCORE_SERVICE_") || name.hasPrefix("EVERYCORE_PORT_") || value.hasPrefix("tcp://")
    return linked ? " (Kubernetes sets it for a service called everycore: set enableServiceLinks: false in the pod)" : ""
}
#endif
