import CardReading
import LoyaltyModel

/// What `readers learn --json` prints; docs/cli.md describes it.
struct LearnReport: Encodable {
    struct Reader: Encodable {
        var name: String
        var match: String?
        var `protocol`: String
        var layout: String?
        var capsLock: Bool
        var terminator: String?
        var gapMilliseconds: Int64?
        /// In hex.
        var prefix: String?
        var suffix: String?
        var tellsSymbology: Bool
        var track: Int?

        private enum CodingKeys: String, CodingKey {
            case name, match, `protocol`, layout, terminator, prefix, suffix, track
            case capsLock = "caps_lock"
            case gapMilliseconds = "gap_ms"
            case tellsSymbology = "tells_symbology"
        }
    }

    struct Scheme: Encodable {
        var name: String
        var prefix: String
        var length: [Int]
        var check: String
        var symbologies: [String]
        var ai: String?
        var dropFirst: Int

        private enum CodingKeys: String, CodingKey {
            case name, prefix, length, check, symbologies, ai
            case dropFirst = "drop_first"
        }
    }

    var reader: Reader
    var cardScheme: Scheme?
    /// The scheme of the configuration that claims the cards already; nil where none does.
    var claimedBy: String?
    var findings: [LearnedReader.Finding]
    /// Sections of other files that stand in the way, each with its place.
    var conflicts: [String]
    var trials: [String]
    var file: String?
    var checked: Bool
    var configuration: String

    private enum CodingKeys: String, CodingKey {
        case reader, findings, conflicts, trials, file, checked, configuration
        case cardScheme = "card_scheme"
        case claimedBy = "claimed_by"
    }

    init(
        _ result: LearnDialog.Result, _ sections: LearnedSections, name: String, conflicts: [String], file: String?,
        checked: Bool
    ) {
        let learned = result.reader
        reader = Reader(
            name: name, match: sections.match, protocol: learned.kind.rawValue, layout: learned.layout?.name,
            capsLock: learned.isCapsLocked, terminator: learned.terminator?.rawValue,
            gapMilliseconds: learned.gap.map {
                $0.components.seconds * 1000 + $0.components.attoseconds / 1_000_000_000_000_000
            },
            prefix: Self.hex(learned.prefix), suffix: Self.hex(learned.suffix), tellsSymbology: learned.tellsSymbology,
            track: learned.track)
        cardScheme = learned.scheme.map {
            Scheme(
                name: $0.name, prefix: $0.prefix, length: [$0.lengths.lowerBound, $0.lengths.upperBound],
                check: $0.checkDigit.rawValue, symbologies: $0.symbologies.map(\.rawValue).sorted(),
                ai: $0.applicationIdentifier, dropFirst: $0.droppingFirst)
        }
        claimedBy = result.claimedBy
        findings = learned.findings
        self.conflicts = conflicts
        trials = result.trials
        self.file = file
        self.checked = checked
        configuration = sections.text
    }

    private static func hex(_ bytes: [UInt8]) -> String? {
        if bytes.isEmpty { return nil }
        return bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
