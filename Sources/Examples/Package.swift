// swift-tools-version: 6.3
// Programs on Everycore's libraries: a package of its own, as a user's program is one. Its `swift build` needs libevent and zlib.
//
//   swift run --package-path Sources/Examples hello
import PackageDescription

let everycore = Target.Dependency.product(name: "Everycore", package: "everycore")
let cluster = Target.Dependency.product(name: "Cluster", package: "everycore")

let package = Package(
    name: "examples",
    dependencies: [.package(name: "everycore", path: "../..")],
    targets: [
        .executableTarget(name: "hello", dependencies: [everycore], path: "Hello"),
        .executableTarget(name: "streaming", dependencies: [everycore], path: "Streaming"),
        .executableTarget(name: "tcp-echo", dependencies: [cluster], path: "TCPEcho"),
    ]
)
