// swift-tools-version: 6.2
import PackageDescription

// Every room of the house is a target, so that what a room must never know is kept from it by the compiler:
// a target sees only what it depends on. docs/architecture.md tells what each room is for.

/// Targets that compute and touch nothing: every unsafe operation in them is spelled out.
let pure: [SwiftSetting] = [.strictMemorySafety()]

let package = Package(
    name: "hookd",
    products: [
        .executable(name: "hookd", targets: ["hookd"])
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    ],
    targets: [
        // System libraries and the thin C that Swift needs to reach them.
        .target(name: "CSSL", path: "CSSL", linkerSettings: [.linkedLibrary("ssl"), .linkedLibrary("crypto")]),
        .target(name: "CLinux"),
        .systemLibrary(
            name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
        .target(name: "CCurl", linkerSettings: [.linkedLibrary("curl")]),
        .systemLibrary(name: "CSystemd", pkgConfig: "libsystemd", providers: [.apt(["libsystemd-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .target(name: "CSimdJSON", linkerSettings: [.linkedLibrary("simdjson")]),

        // The rooms.
        .target(name: "HTTP", swiftSettings: pure),
        .target(name: "Metrics"),
        .target(name: "Server", dependencies: ["HTTP", "Metrics", "CLinux", "CSSL"]),
        .target(name: "Callbacks", dependencies: ["CSSL"], swiftSettings: pure),
        .target(name: "Events", dependencies: ["CSimdJSON"], swiftSettings: pure),
        .target(name: "Store", dependencies: ["Metrics", "CSQLite", "CLinux", "CSSL"]),
        .target(name: "Delivery", dependencies: ["Store", "Events", "CCurl", "CLinux", "CSSL", "CZlib"]),
        .target(
            name: "Daemon",
            dependencies: [
                "Server", "HTTP", "Metrics", "Callbacks", "Events", "Store", "Delivery", "CLinux", "CSystemd",
                .product(name: "Logging", package: "swift-log"),
            ]),
        .target(name: "Samples", exclude: ["README.md"], resources: [.embedInCode("Bodies")]),
        .executableTarget(
            name: "hookd",
            dependencies: [
                "Daemon", "Samples", "Callbacks", "Events", "Store", "CCurl", "CLinux",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]),

        .executableTarget(
            name: "hookd-benchmarks",
            dependencies: [
                "HTTP", "Callbacks", "Events", "Samples", "Server", "Store", "Delivery", "CSSL", "CTLSClient",
                "TestAuthority",
            ],
            path: "Benchmarks", exclude: ["run", "constant-time", "scale", "whole-way"]),

        // A TLS client and an authority, for tests and benchmarks only.
        .target(
            name: "CTLSClient", path: "Tests/CTLSClient",
            linkerSettings: [.linkedLibrary("ssl"), .linkedLibrary("crypto")]),
        .target(name: "TestAuthority", dependencies: ["CTLSClient"], path: "Tests/TestAuthority"),
        // The table of requests, and what reads it: for tests, fuzzing and the comparison with nginx.
        .target(
            name: "HTTPCases", dependencies: ["HTTP"], path: "Tests/HTTPCases", exclude: ["Rows", "compare-with-nginx"]),
        // What is fuzzed. `make test` tries what was found; the fuzzer itself is added below.
        .target(
            name: "FuzzTargets", dependencies: ["HTTP", "HTTPCases", "Callbacks", "Events", "Samples", "Daemon"],
            path: "Fuzz/Targets"),
        .testTarget(name: "HTTPTests", dependencies: ["HTTP", "HTTPCases", "CLinux"]),
        .testTarget(name: "MetricsTests", dependencies: ["Metrics"]),
        .testTarget(name: "ServerTests", dependencies: ["Server", "HTTP", "CTLSClient", "TestAuthority"]),
        .testTarget(name: "CallbacksTests", dependencies: ["Callbacks"], resources: [.copy("Fixtures")]),
        .testTarget(name: "EventsTests", dependencies: ["Events", "Samples"]),
        .testTarget(
            name: "StoreTests", dependencies: ["Store", "CSQLite", "CSSL"],
            resources: [.copy("Fixtures")]),
        .target(
            name: "CTLSPeer", path: "Tests/CTLSPeer", linkerSettings: [.linkedLibrary("ssl"), .linkedLibrary("crypto")]),
        .testTarget(
            name: "DeliveryTests",
            dependencies: ["Delivery", "Store", "Events", "CSSL", "CZlib", "CTLSPeer", "TestAuthority"]),
        .testTarget(
            name: "DaemonTests",
            dependencies: [
                "Daemon", "Delivery", "Samples", "Server", "Store", "TestAuthority",
                .product(name: "Logging", package: "swift-log"),
            ]),
        .testTarget(name: "CommandTests", dependencies: ["hookd", "Callbacks", "Samples", "Store"]),
        .testTarget(name: "SystemTests", dependencies: ["Callbacks", "Samples", "CSQLite", "TestAuthority", "hookd"]),
        .testTarget(name: "FuzzTests", dependencies: ["FuzzTargets"]),
        .testTarget(name: "TidyTests"),
    ],
    swiftLanguageModes: [.v6],
    cxxLanguageStandard: .cxx17
)

// It needs libFuzzer to be linked, and every target built with its coverage: see `make fuzz`.
if Context.environment["HOOKD_FUZZ"] != nil {
    package.targets.append(.executableTarget(name: "hookd-fuzz", dependencies: ["FuzzTargets"], path: "Fuzz/Runner"))
}
