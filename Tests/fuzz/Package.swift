// swift-tools-version: 6.2
import PackageDescription

// The fuzzer, apart from the package of the daemon so that nobody builds it unasked: `swift build -c release --sanitize=fuzzer`
// instruments all targets of a package. Rooms holds links to the modules that read bytes from outside.

let house: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
]

let package = Package(
    name: "loyaltyd-fuzz",
    dependencies: [.package(url: "https://github.com/LebJe/TOMLKit", from: "0.6.0")],
    targets: [
        .systemLibrary(
            name: "CExpat", path: "Rooms/CExpat", pkgConfig: "expat", providers: [.apt(["libexpat1-dev"])]),
        .target(name: "LoyaltyModel", path: "Rooms/LoyaltyModel", swiftSettings: house),
        .target(
            name: "DataFormats", dependencies: ["LoyaltyModel", .product(name: "TOMLKit", package: "TOMLKit")],
            path: "Rooms/DataFormats", swiftSettings: house),
        .target(name: "CardReading", dependencies: ["LoyaltyModel"], path: "Rooms/CardReading", swiftSettings: house),
        .target(
            name: "ReaderCaptures", dependencies: ["LoyaltyModel", "DataFormats", "CardReading"],
            path: "Rooms/ReaderCaptures", swiftSettings: house),
        .target(
            name: "EarnRules", dependencies: ["LoyaltyModel", "DataFormats"], path: "Rooms/EarnRules",
            swiftSettings: house),
        // Without the sockets, and so without SwiftNIO.
        .target(
            name: "TillFeed", dependencies: ["CExpat", "LoyaltyModel", "DataFormats", "CardReading"],
            path: "Rooms/TillFeed",
            exclude: ["Sockets"],
            swiftSettings: house),
        .target(
            name: "FuzzEntries",
            dependencies: ["LoyaltyModel", "DataFormats", "CardReading", "ReaderCaptures", "EarnRules", "TillFeed"],
            path: "Entries",
            // What the second opinions do should not guide the fuzzer, and watching their branches costs pace.
            swiftSettings: house + [.unsafeFlags(["-sanitize-coverage=func,inline-8bit-counters,pc-table"])]),
        .executableTarget(
            name: "loyaltyd-fuzz", dependencies: ["FuzzEntries"], path: "Program", swiftSettings: house),
    ]
)
