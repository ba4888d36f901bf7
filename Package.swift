// swift-tools-version: 6.2
import PackageDescription

// The list of targets is the architecture: a target imports only targets above it, and each heavy
// dependency stands in one target. docs/modules.md says what each room is for.

let house: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .treatAllWarnings(as: .error),
]

let package = Package(
    name: "loyaltyd",
    products: [
        .executable(name: "loyaltyd", targets: ["loyaltyd"]),
        .executable(name: "loyaltyctl", targets: ["loyaltyctl"]),
        .executable(name: "loyaltysim", targets: ["loyaltysim"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/LebJe/TOMLKit", from: "0.6.0"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        .systemLibrary(name: "CLibUSB", pkgConfig: "libusb-1.0", providers: [.apt(["libusb-1.0-0-dev"])]),
        .systemLibrary(name: "CXKBCommon", pkgConfig: "xkbcommon", providers: [.apt(["libxkbcommon-dev"])]),
        .systemLibrary(name: "CExpat", pkgConfig: "expat", providers: [.apt(["libexpat1-dev"])]),
        .target(name: "LoyaltyModel", swiftSettings: house),
        .target(
            name: "DataFormats",
            dependencies: ["LoyaltyModel", .product(name: "TOMLKit", package: "TOMLKit")],
            swiftSettings: house
        ),
        .target(name: "CardReading", dependencies: ["LoyaltyModel"], swiftSettings: house),
        .target(
            name: "KeyboardMaps", dependencies: ["CXKBCommon", "LoyaltyModel", "CardReading"], swiftSettings: house),
        .target(
            name: "ReaderCaptures", dependencies: ["LoyaltyModel", "DataFormats", "CardReading"], swiftSettings: house),
        .target(name: "ReaderChecks", dependencies: ["CardReading"], swiftSettings: house),
        .target(
            name: "USBReaders",
            dependencies: ["CLibUSB", "LoyaltyModel", "CardReading", "ReaderCaptures"],
            swiftSettings: house
        ),
        .target(name: "EarnRules", dependencies: ["LoyaltyModel", "DataFormats"], swiftSettings: house),
        .target(
            name: "Storage",
            dependencies: [
                "LoyaltyModel", "EarnRules",
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "Crypto", package: "swift-crypto"),
            ],
            swiftSettings: house
        ),
        .target(name: "Checkout", dependencies: ["LoyaltyModel"], swiftSettings: house),
        .target(
            name: "TillFeed",
            dependencies: [
                "CExpat", "LoyaltyModel", "DataFormats", "CardReading",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            swiftSettings: house
        ),
        .target(
            name: "UpstreamSync",
            dependencies: [
                "LoyaltyModel",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            swiftSettings: house
        ),
        .target(
            name: "ControlAPI",
            dependencies: [
                "LoyaltyModel",
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            swiftSettings: house
        ),
        .target(
            name: "LoyaltyDaemon",
            dependencies: [
                "LoyaltyModel", "DataFormats", "CardReading", "KeyboardMaps", "ReaderCaptures", "USBReaders",
                "EarnRules",
                "Storage",
                "Checkout", "TillFeed", "UpstreamSync", "ControlAPI",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ],
            swiftSettings: house
        ),
        .executableTarget(
            name: "loyaltyd",
            dependencies: [
                "LoyaltyModel", "LoyaltyDaemon",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: house
        ),
        .executableTarget(
            name: "loyaltyctl",
            dependencies: [
                "LoyaltyModel", "DataFormats", "CardReading", "KeyboardMaps", "ReaderCaptures", "ReaderChecks",
                "EarnRules",
                "ControlAPI",
                "TillFeed",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: house
        ),
        .executableTarget(
            name: "loyaltysim",
            dependencies: [
                "LoyaltyModel", "DataFormats",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            swiftSettings: house
        ),
        .target(
            name: "FuzzEntries",
            dependencies: ["LoyaltyModel", "DataFormats", "CardReading", "ReaderCaptures", "EarnRules", "TillFeed"],
            path: "Tests/fuzz/Entries",
            swiftSettings: house),
        .testTarget(
            name: "FuzzCorpusTests", dependencies: ["FuzzEntries"], path: "Tests/fuzz/Replay", swiftSettings: house),
        .testTarget(name: "LoyaltyModelTests", dependencies: ["LoyaltyModel"], swiftSettings: house),
        .testTarget(name: "DataFormatsTests", dependencies: ["LoyaltyModel", "DataFormats"], swiftSettings: house),
        .testTarget(name: "CardReadingTests", dependencies: ["LoyaltyModel", "CardReading"], swiftSettings: house),
        .testTarget(
            name: "KeyboardMapsTests", dependencies: ["LoyaltyModel", "CardReading", "KeyboardMaps"],
            swiftSettings: house),
        .testTarget(
            name: "ReaderCapturesTests", dependencies: ["LoyaltyModel", "CardReading", "ReaderCaptures"],
            swiftSettings: house),
        .testTarget(
            name: "ReaderChecksTests", dependencies: ["LoyaltyModel", "CardReading", "ReaderChecks"],
            swiftSettings: house),
        .executableTarget(
            name: "reader-probe",
            dependencies: ["LoyaltyModel", "CardReading", "USBReaders"],
            path: "Tests/Support/reader-probe",
            swiftSettings: house),
        .testTarget(
            name: "USBReadersTests",
            dependencies: ["LoyaltyModel", "CardReading", "ReaderCaptures", "USBReaders", "reader-probe"],
            swiftSettings: house),
        .testTarget(
            name: "EarnRulesTests", dependencies: ["LoyaltyModel", "DataFormats", "EarnRules"], swiftSettings: house),
        .testTarget(
            name: "StorageTests",
            dependencies: ["LoyaltyModel", "EarnRules", "Storage", .product(name: "GRDB", package: "GRDB.swift")],
            swiftSettings: house),
        .testTarget(name: "CheckoutTests", dependencies: ["LoyaltyModel", "Checkout"], swiftSettings: house),
        .testTarget(
            name: "TillFeedTests",
            dependencies: ["LoyaltyModel", "DataFormats", "CardReading", "EarnRules", "TillFeed"],
            swiftSettings: house),
        .testTarget(
            name: "UpstreamSyncTests",
            dependencies: ["LoyaltyModel", "UpstreamSync", "loyaltysim"],
            swiftSettings: house),
        .testTarget(
            name: "ControlAPITests",
            dependencies: [
                "LoyaltyModel", "DataFormats", "ReaderCaptures", "EarnRules", "ControlAPI", "loyaltyctl",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            swiftSettings: house),
        .testTarget(
            name: "LoyaltyDaemonTests",
            dependencies: [
                "LoyaltyModel", "CardReading", "USBReaders", "EarnRules", "Storage", "Checkout", "TillFeed",
                "ControlAPI",
                "LoyaltyDaemon", .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: house),
        .executableTarget(
            name: "scan-path",
            dependencies: ["LoyaltyModel", "CardReading", "USBReaders", "LoyaltyDaemon"],
            path: "Tests/bench/scan-path",
            swiftSettings: house),
        .executableTarget(
            name: "rule-speed",
            dependencies: ["LoyaltyModel", "EarnRules"],
            path: "Tests/bench/rule-speed",
            swiftSettings: house),
        .testTarget(
            name: "EndToEndTests",
            dependencies: [
                "LoyaltyModel", "loyaltyd", "loyaltyctl", "loyaltysim",
                .product(name: "GRDB", package: "GRDB.swift"),
            ],
            swiftSettings: house),
    ]
)
