// The environment variables that begin with EVERYCORE_. A name that is no setting is refused: a typo would be ignored in silence.
// Runs in the master, before the fork and again at a reload.

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

/// What is wrong with the names of these variables.
package func problems(inNamesOf environment: [String: String]) -> [String] {
    let known = Set(Setting.all.map(\.environmentName) + [configurationFileVariable])
    return environment.keys.sorted().filter { !known.contains($0) }
        .map { "environment: \($0): \(unknownVariable($0))\(linkHint(name: $0, value: environment[$0]))" }
}

/// Kubernetes and old Docker links describe a service called `everycore` in variables that look like ours (EVERYCORE_PORT=tcp://…).
package func linkHint(name: String, value: String?) -> String {
    let linked = name.hasPrefix("EVERYCORE_SERVICE_") || name.hasPrefix("EVERYCORE_PORT_") || value?.hasPrefix("tcp://") == true
    return linked ? " (Kubernetes sets it for a service called everycore: set enableServiceLinks: false in the pod)" : ""
}
