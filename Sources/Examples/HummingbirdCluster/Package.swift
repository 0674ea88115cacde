// swift-tools-version: 6.3
// A package of its own, so that Hummingbird and what it needs stay out of Everycore's dependencies.
import PackageDescription

let package = Package(
    name: "hummingbird-cluster",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(name: "everycore", path: "../../.."),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
    ],
    targets: [
        .executableTarget(
            name: "hummingbird-cluster",
            dependencies: [
                .product(name: "Cluster", package: "everycore"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            path: "Sources/HummingbirdCluster")
    ]
)
