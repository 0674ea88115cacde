// swift-tools-version: 6.3
import PackageDescription

let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .strictMemorySafety(),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
]

// What a dependent doesn't ask for isn't built, and the packages that only it needs aren't resolved. scripts/common.sh has the list that
// the project itself is built with.
let command = TargetDependencyCondition.when(traits: ["Command"])
let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser", condition: command)
let configuration = Target.Dependency.product(name: "Configuration", package: "swift-configuration", condition: command)
let yaml = Target.Dependency.target(name: "CEverycoreYaml", condition: command)
let brotli = Target.Dependency.target(name: "CEverycoreBrotli", condition: .when(traits: ["Brotli"]))
let zstd = Target.Dependency.target(name: "CEverycoreZstd", condition: .when(traits: ["Zstd"]))
// The test programs count with it, too.
let coreMetrics = Target.Dependency.product(name: "CoreMetrics", package: "swift-metrics", condition: .when(traits: ["Metrics", "TestPrograms"]))
let metrics = Target.Dependency.product(name: "Metrics", package: "swift-metrics", condition: .when(traits: ["TestPrograms"]))
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let httpTypes = Target.Dependency.product(name: "HTTPTypes", package: "swift-http-types")

// The shipped program begins in cposix_begin.c, which blocks signals while the dynamic loader works.
let begin: [LinkerSetting] = [
    .unsafeFlags(
        ["-use-ld=lld", "-Xlinker", "--no-dynamic-linker", "-Xlinker", "-e", "-Xlinker", "cposix_begin"],
        .when(platforms: [.linux], configuration: .release, traits: ["Command"]))
]

let package = Package(
    name: "everycore",
    products: [
        .library(name: "Everycore", targets: ["Everycore"]),
        .library(name: "EverycoreMetrics", targets: ["EverycoreMetrics"]),
        .library(name: "Cluster", targets: ["Cluster", "EverycoreLoop"]),
        .executable(name: "everycore", targets: ["EverycoreCommandLine"]),
    ],
    traits: [
        .trait(name: "Brotli", description: "The content coding br; needs libbrotli-dev."),
        .trait(name: "Zstd", description: "The content coding zstd; needs libzstd-dev."),
        .trait(name: "Command", description: "The program everycore, which is configured by options, variables and a YAML file; needs libyaml-dev."),
        .trait(name: "Metrics", description: "The product EverycoreMetrics, for swift-metrics."),
        .trait(name: "TestPrograms", description: "The programs that the tests start."),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-configuration", from: "1.4.0", traits: []),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.10.0"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0", traits: []),
    ],
    targets: [
        .systemLibrary(name: "CEverycoreBrotli", providers: [.apt(["libbrotli-dev"])]),
        .systemLibrary(
            name: "CEverycoreBrotliDecoder", path: "Tests/Libraries/CEverycoreBrotliDecoder", providers: [.apt(["libbrotli-dev"])]),
        .systemLibrary(name: "CEverycoreZstd", providers: [.apt(["libzstd-dev"])]),
        .systemLibrary(name: "CEverycoreYaml", providers: [.apt(["libyaml-dev"])]),
        .systemLibrary(name: "CEverycoreLibevent", pkgConfig: "libevent_core", providers: [.apt(["libevent-dev"])]),
        .systemLibrary(name: "CEverycoreZlib", providers: [.apt(["zlib1g-dev"])]),
        .target(name: "CEverycorePosix"),
        .target(name: "CEverycoreScan"),
        .target(name: "EverycoreLoop", dependencies: ["CEverycoreLibevent", "CEverycorePosix"], swiftSettings: strict),
        .target(name: "EverycoreStatistics", swiftSettings: strict),
        .target(name: "Cluster", dependencies: ["EverycoreLoop", "EverycoreStatistics", "CEverycorePosix", logging], swiftSettings: strict),
        .target(
            name: "EverycoreMetrics", dependencies: ["Cluster", "EverycoreLoop", "EverycoreStatistics", coreMetrics], swiftSettings: strict),
        .target(
            name: "EverycoreHTTP", dependencies: ["EverycoreLoop", "EverycoreStatistics", "CEverycorePosix", "CEverycoreScan"],
            swiftSettings: strict),
        .target(
            name: "Everycore",
            dependencies: [
                "Cluster", "EverycoreHTTP", "EverycoreLoop", "EverycoreStatistics", "CEverycorePosix", "CEverycoreZlib", brotli, zstd, httpTypes,
                logging,
            ], swiftSettings: strict),
        .executableTarget(
            name: "EverycoreCommandLine", dependencies: ["Everycore", "EverycoreLoop", "EverycoreStatistics", argumentParser, configuration, yaml],
            path: "Sources/Command", swiftSettings: strict, linkerSettings: begin),
        .executableTarget(name: "hi-master", dependencies: ["Cluster"], path: "Sources/Examples/HiMaster", swiftSettings: strict),

        // Started by the tests; not shipped, and empty without the trait TestPrograms.
        .executableTarget(
            name: "everycore-loop-probe", dependencies: ["EverycoreLoop", "CEverycorePosix"], path: "Tests/Programs/LoopProbe",
            swiftSettings: strict),
        .executableTarget(
            name: "everycore-message-probe", dependencies: ["Cluster", "EverycoreLoop", "CEverycorePosix", "TestSupport", logging],
            path: "Tests/Programs/MessageProbe", swiftSettings: strict),
        .executableTarget(
            name: "everycore-test-server", dependencies: ["Cluster", "Everycore", "EverycoreLoop", "EverycoreMetrics", metrics],
            path: "Tests/Programs/TestServer",
            swiftSettings: strict),
        .executableTarget(
            name: "everycore-case-program", dependencies: ["Cluster", "Everycore"], path: "Tests/Programs/CaseProgram", swiftSettings: strict),
        .executableTarget(
            name: "everycore-lifecycle-probe", dependencies: ["Cluster", "EverycoreLoop", logging], path: "Tests/Programs/LifecycleProbe",
            swiftSettings: strict),

        .target(name: "TestSupport", dependencies: ["EverycoreLoop"], path: "Tests/TestSupport", swiftSettings: strict),
        .testTarget(name: "EverycoreLoopTests", dependencies: ["EverycoreLoop"], swiftSettings: strict),
        .testTarget(name: "EverycoreStatisticsTests", dependencies: ["EverycoreStatistics", "TestSupport"], swiftSettings: strict),
        .testTarget(
            name: "ClusterTests", dependencies: ["Cluster", "EverycoreLoop", "EverycoreStatistics", "CEverycorePosix", "TestSupport"],
            swiftSettings: strict),
        .testTarget(
            name: "EverycoreMetricsTests", dependencies: ["Cluster", "EverycoreMetrics", "EverycoreStatistics", "TestSupport", metrics],
            swiftSettings: strict),
        .testTarget(
            name: "EverycoreHTTPTests",
            dependencies: ["EverycoreHTTP", "EverycoreLoop", "EverycoreStatistics", "CEverycoreScan", "TestSupport"], swiftSettings: strict),
        .testTarget(
            name: "EverycoreTests",
            dependencies: [
                "Cluster", "Everycore", "EverycoreHTTP", "EverycoreLoop", "EverycoreStatistics", "CEverycoreZlib", "TestSupport", httpTypes, logging,
                zstd, .target(name: "CEverycoreBrotliDecoder", condition: .when(traits: ["Brotli"])),
            ], swiftSettings: strict),
        .testTarget(
            name: "EverycoreCommandTests", dependencies: ["EverycoreCommandLine", "Everycore", "TestSupport"], swiftSettings: strict),
        .testTarget(
            name: "ProcessTests",
            dependencies: [
                "Cluster", "EverycoreCommandLine", "TestSupport", "everycore-case-program", "everycore-lifecycle-probe", "everycore-loop-probe",
                "everycore-message-probe", "everycore-test-server", "hi-master",
            ], swiftSettings: strict),
    ]
)
