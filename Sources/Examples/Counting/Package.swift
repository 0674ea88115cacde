// swift-tools-version: 6.3
// A program with metrics of its own: a package of its own, since it turns on the trait Metrics, with which swift-metrics is resolved.
//
//   swift run --package-path Sources/Examples/Counting
import PackageDescription

let package = Package(
    name: "counting",
    dependencies: [
        .package(name: "everycore", path: "../../..", traits: ["Metrics"]),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.10.0"),
    ],
    targets: [
        .executableTarget(
            name: "Counting",
            dependencies: [
                .product(name: "Everycore", package: "everycore"), .product(name: "EverycoreMetrics", package: "everycore"),
                .product(name: "Metrics", package: "swift-metrics"),
            ])
    ]
)
