// swift-tools-version: 6.3
// The Hummingbird peer of scripts/bench. A package of its own, so that nothing of it reaches Everycore's dependencies.
// The folder is not called "hummingbird": SwiftPM would take the two packages for one.
import PackageDescription

let package = Package(
    name: "peer-hummingbird",
    dependencies: [
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
    ],
    targets: [
        .executableTarget(
            name: "peer-hummingbird",
            dependencies: [
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            path: "Sources/PeerHummingbird")
    ]
)
