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
var codings: [Target.Dependency] = ["CEverycoreZlib"]
var decoders: [Target.Dependency] = ["CEverycoreZlib"]
var codingSettings: [SwiftSetting] = []
if FileManager.default.fileExists(atPath: "/usr/include/brotli/encode.h") {
    codingTargets.append(.systemLibrary(name: "CEverycoreBrotli", providers: [.apt(["libbrotli-dev"])]))
    codingTargets.append(
        .systemLibrary(name: "CEverycoreBrotliDecoder", path: "Tests/Libraries/CEverycoreBrotliDecoder", providers: [.apt(["libbrotli-dev"])]))
    codings.append("CEverycoreBrotli")
    decoders.append("CEverycoreBrotliDecoder")
    codingSettings.append(.define("EVERYCORE_BROTLI"))
}
if FileManager.default.fileExists(atPath: "/usr/include/zstd.h") {
    codingTargets.append(.systemLibrary(name: "CEverycoreZstd", providers: [.apt(["libzstd-dev"])]))
    codings.append("CEverycoreZstd")
    decoders.append("CEverycoreZstd")
    codingSettings.append(.define("EVERYCORE_ZSTD"))
}

let package = Package(
    name: "everycore",
    products: [
        .library(name: "Everycore", targets: ["Everycore"]),
        .library(name: "Cluster", targets: ["Cluster", "EverycoreLoop"]),
        .executable(name: "everycore", targets: ["EverycoreCommandLine"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-configuration", from: "1.4.0", traits: ["YAML"]),
        .package(url: "https://github.com/jpsim/Yams", from: "6.0.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0", traits: []),
    ],
    targets: codingTargets + [
        .systemLibrary(name: "CEverycoreLibevent", pkgConfig: "libevent_core", providers: [.apt(["libevent-dev"])]),
        .systemLibrary(name: "CEverycoreZlib", providers: [.apt(["zlib1g-dev"])]),
        .target(name: "CEverycorePosix"),
        .target(name: "CEverycoreScan"),
        .target(name: "EverycoreLoop", dependencies: ["CEverycoreLibevent", "CEverycorePosix"], swiftSettings: strict),
        .target(name: "EverycoreStatistics", swiftSettings: strict),
        .target(name: "Cluster", dependencies: ["EverycoreLoop", "EverycoreStatistics", "CEverycorePosix", logging], swiftSettings: strict),
        .target(name: "EverycoreHTTP", dependencies: ["EverycoreLoop", "EverycoreStatistics", "CEverycorePosix", "CEverycoreScan"], swiftSettings: strict),
        .target(
            name: "Everycore", dependencies: ["Cluster", "EverycoreHTTP", "CEverycorePosix", httpTypes, logging] + codings,
            swiftSettings: strict + codingSettings),
        .executableTarget(
            name: "EverycoreCommandLine", dependencies: ["Everycore", argumentParser, configuration, yams, logging],
            path: "Sources/Command", swiftSettings: strict),
        .executableTarget(
            name: "hi-master", dependencies: ["Cluster"], path: "Sources/Examples/HiMaster", swiftSettings: strict),

        .executableTarget(
            name: "hello", dependencies: ["Everycore"], path: "Sources/Examples/Hello", swiftSettings: strict),
        .executableTarget(
            name: "tcp-echo", dependencies: ["Cluster", "EverycoreLoop"], path: "Sources/Examples/TCPEcho", swiftSettings: strict),
        .executableTarget(
            name: "streaming", dependencies: ["Everycore"], path: "Sources/Examples/Streaming", swiftSettings: strict),
        // Started by ProcessTests; not shipped.
        .executableTarget(
            name: "everycore-loop-probe", dependencies: ["EverycoreLoop", "CEverycorePosix"], path: "Tests/Programs/LoopProbe",
            swiftSettings: strict),
        .executableTarget(
            name: "everycore-message-probe", dependencies: ["Cluster", "EverycoreLoop", "CEverycorePosix", logging], path: "Tests/Programs/MessageProbe",
            swiftSettings: strict),
        .executableTarget(
            name: "everycore-test-server", dependencies: ["Cluster", "Everycore"], path: "Tests/Programs/TestServer", swiftSettings: strict),

        .executableTarget(
            name: "everycore-case-program", dependencies: ["Cluster", "Everycore"], path: "Tests/Programs/CaseProgram", swiftSettings: strict),
        .executableTarget(
            name: "everycore-lifecycle-probe", dependencies: ["Cluster", logging], path: "Tests/Programs/LifecycleProbe", swiftSettings: strict),

        .testTarget(name: "EverycoreLoopTests", dependencies: ["EverycoreLoop"], swiftSettings: strict),
        .testTarget(name: "EverycoreStatisticsTests", dependencies: ["EverycoreStatistics"], swiftSettings: strict),
        .testTarget(name: "ClusterTests", dependencies: ["Cluster"], swiftSettings: strict),
        .testTarget(name: "EverycoreHTTPTests", dependencies: ["EverycoreHTTP", "CEverycoreScan"], swiftSettings: strict),
        .testTarget(name: "EverycoreTests", dependencies: ["Everycore"] + decoders, swiftSettings: strict + codingSettings),
        .testTarget(name: "EverycoreCommandTests", dependencies: ["EverycoreCommandLine", yams], swiftSettings: strict),
        .testTarget(
            name: "ProcessTests",
            dependencies: [
                "EverycoreCommandLine", "everycore-case-program", "everycore-lifecycle-probe", "everycore-loop-probe", "everycore-message-probe",
                "everycore-test-server", "tcp-echo",
            ],
            swiftSettings: strict),
    ]
)
