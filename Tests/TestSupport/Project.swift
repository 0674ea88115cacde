// Where the project's own files are, for tests that compare them with the code.

package enum Project {
    /// The folder of Package.swift.
    package static let root = #filePath.split(separator: "/").dropLast(3).reduce("") { "\($0)/\($1)" }
}
