// What an unknown name was probably meant to be.
// Process: master · Thread: main, before the fork and at a reload

#if Command
import Everycore

/// The reason that an unknown key of a file is refused with.
package func unknownKey(_ key: String) -> String {
    if let setting = Setting.all.first(where: { $0.key == key }), let group = setting.group {
        return "is written in two lines, `\(group):` and below it, indented, `\(setting.name):`"
    }
    let groups = Set(Setting.all.compactMap(\.group)).map { ($0, $0) }
    let keys = Setting.all.map { ($0.key, $0.key) }
    // A setting's name without its group, or in the wrong one.
    let names = Setting.all.map { ($0.name, $0.key) }
    let name = key.split(separator: ".").last.map(String.init) ?? key
    let best = nearest(key, among: groups + keys) ?? nearest(name, among: names)
    return "unknown key" + (best.map { "; did you mean \($0)?" } ?? "")
}

/// The reason that an unknown environment variable is refused with.
package func unknownVariable(_ name: String) -> String {
    let names = Setting.all.map(\.environmentName) + [configurationFileVariable]
    return "names no setting" + (nearest(name, among: names.map { ($0, $0) }).map { "; did you mean \($0)?" } ?? "")
}

/// The meaning of the candidate that is at most a third of its letters away.
private func nearest(_ text: String, among candidates: [(name: String, meaning: String)]) -> String? {
    guard text.utf8.count <= 64 else { return nil }
    let ranked = candidates.map { (distance: distance(text, $0.name), candidate: $0) }
    guard let best = ranked.min(by: { ($0.distance, $0.candidate.meaning) < ($1.distance, $1.candidate.meaning) }) else { return nil }
    return best.distance <= max(1, best.candidate.name.utf8.count / 3) ? best.candidate.meaning : nil
}

/// Levenshtein's distance, with a swap of neighbours as one step.
package func distance(_ left: String, _ right: String) -> Int {
    let left = Array(left.lowercased().utf8), right = Array(right.lowercased().utf8)
    var beforeLast = [Int](), last = Array(0...right.count)
    for (row, letter) in left.enumerated() {
        var current = [row + 1]
        for (column, other) in right.enumerated() {
            var best = min(last[column] + (letter == other ? 0 : 1), last[column + 1] + 1, current[column] + 1)
            if row > 0, column > 0, letter == right[column - 1], left[row - 1] == other {
                best = min(best, beforeLast[column - 1] + 1)
            }
            current.append(best)
        }
        (beforeLast, last) = (last, current)
    }
    return last[right.count]
}
#endif
