// swift-tools-version: 6.2
import Foundation
import PackageDescription

let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .strictMemorySafety(),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
]

let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let configuration = Target.Dependency.product(name: "Configuration", package: "swift-configuration")
let yams = Target.Dependency.product(name: "Yams", package: "Yams")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let httpTypes = Target.Dependency.product(name: "HTTPTypes", package: "swift-http-types")

// Content codings beside gzip, where Debian's libraries are installed (libbrotli-dev, libzstd-dev).
var codingTargets: [Target] = []
var codings: [Target.Dependency] = ["CZlib"]
var decoders: [Target.Dependency] = ["CZlib"]
var codingSettings: [SwiftSetting] = []
if FileManager.default.fileExists(atPath: "/usr/include/brotli/encode.h") {
    codingTargets.append(.systemLibrary(name: "CBrotli", providers: [.apt(["libbrotli-dev"])]))
    codingTargets.append(
        .systemLibrary(name: "CBrotliDecoder", path: "Tests/Libraries/CBrotliDecoder", providers: [.apt(["libbrotli-dev"])]))
    codings.append("CBrotli")
    decoders.append("CBrotliDecoder")
    codingSettings.append(.define("EVERYCORE_BROTLI"))
}
if FileManager.default.fileExists(atPath: "/usr/include/zstd.h") {
    codingTargets.append(.systemLibrary(name: "CZstd", providers: [.apt(["libzstd-dev"])]))
    codings.append("CZstd")
    decoders.append("CZstd")
    codingSettings.append(.define("EVERYCORE_ZSTD"))
}

let package = Package(
    name: "everycore",
    products: [
        .library(name: "Everycore", targets: ["Everycore"]),
        .library(name: "Cluster", targets: ["Cluster", "EventLoop"]),
        .executable(name: "everycore", targets: ["Command"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-configuration", from: "1.4.0", traits: ["YAML"]),
        .package(url: "https://github.com/jpsim/Yams", from: "6.0.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0", traits: []),
    ],
    targets: codingTargets + [
        .systemLibrary(name: "CLibevent", pkgConfig: "libevent_core", providers: [.apt(["libevent-dev"])]),
        .systemLibrary(name: "CZlib", providers: [.apt(["zlib1g-dev"])]),
        .target(name: "CPosix"),
        .target(name: "EventLoop", dependencies: ["CLibevent", "CPosix"], swiftSettings: strict),
        .target(name: "Statistics", swiftSettings: strict),
        .target(name: "Cluster", dependencies: ["EventLoop", "Statistics", "CPosix", logging], swiftSettings: strict),
        .target(name: "HTTP", dependencies: ["EventLoop", "Statistics", "CPosix"], swiftSettings: strict),
        .target(
            name: "Everycore", dependencies: ["Cluster", "HTTP", "CPosix", httpTypes, logging] + codings,
            swiftSettings: strict + codingSettings),
        .executableTarget(
            name: "Command", dependencies: ["Everycore", argumentParser, configuration, yams, logging],
            swiftSettings: strict),
        .executableTarget(
            name: "hi-master", dependencies: ["Cluster"], path: "Sources/Examples/HiMaster", swiftSettings: strict),

        .executableTarget(
            name: "hello", dependencies: ["Everycore"], path: "Sources/Examples/Hello", swiftSettings: strict),
        .executableTarget(
            name: "tcp-echo", dependencies: ["Cluster", "EventLoop"], path: "Sources/Examples/TCPEcho", swiftSettings: strict),
        .executableTarget(
            name: "streaming", dependencies: ["Everycore"], path: "Sources/Examples/Streaming", swiftSettings: strict),
        // Started by ProcessTests; not shipped.
        .executableTarget(
            name: "loop-probe", dependencies: ["EventLoop", "CPosix"], path: "Tests/Programs/LoopProbe",
            swiftSettings: strict),
        .executableTarget(
            name: "message-probe", dependencies: ["Cluster", "EventLoop", "CPosix", logging], path: "Tests/Programs/MessageProbe",
            swiftSettings: strict),
        .executableTarget(
            name: "test-server", dependencies: ["Cluster", "Everycore"], path: "Tests/Programs/TestServer", swiftSettings: strict),

        .executableTarget(
            name: "lifecycle-probe", dependencies: ["Cluster", logging], path: "Tests/Programs/LifecycleProbe", swiftSettings: strict),

        .testTarget(name: "EventLoopTests", dependencies: ["EventLoop"], swiftSettings: strict),
        .testTarget(name: "StatisticsTests", dependencies: ["Statistics"], swiftSettings: strict),
        .testTarget(name: "ClusterTests", dependencies: ["Cluster"], swiftSettings: strict),
        .testTarget(name: "HTTPTests", dependencies: ["HTTP"], swiftSettings: strict),
        .testTarget(name: "EverycoreTests", dependencies: ["Everycore"] + decoders, swiftSettings: strict + codingSettings),
        .testTarget(name: "CommandTests", dependencies: ["Command", yams], swiftSettings: strict),
        .testTarget(
            name: "ProcessTests",
            dependencies: ["Command", "lifecycle-probe", "loop-probe", "message-probe", "test-server", "tcp-echo"],
            swiftSettings: strict),
    ]
)
