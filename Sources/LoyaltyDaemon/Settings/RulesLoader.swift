internal import CardReading
internal import EarnRules
internal import LoyaltyModel
internal import Storage

/// Turns the settings into what the lanes work by: the card classifier and the program.
struct RulesLoader {
    private let settings: DaemonSettings

    init(_ settings: DaemonSettings) { self.settings = settings }

    /// - Throws: errors of the configuration or the program file, with their place, of kind `configuration`.
    func load() throws(LoyaltyError) -> LaneService.Rules {
        do {
            return LaneService.Rules(
                classifier: try CardClassifier(schemes: settings.schemes.map(scheme)), program: try program())
        } catch {
            throw asConfigurationError(error)
        }
    }

    private func program() throws(LoyaltyError) -> Program {
        guard let file = settings.programFile else { return try Program.standard() }
        let text = try readText(file)
        return try Program.load(toml: text, file: file, hash: sha256Text(Array(text.utf8)))
    }

    private func scheme(_ scheme: DaemonSettings.Scheme) throws(LoyaltyError) -> CardScheme {
        guard let check = CardScheme.CheckDigit(rawValue: scheme.check) else {
            let words = CardScheme.CheckDigit.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")
            throw LoyaltyError(.configurationInvalid, "check is one of \(words)", at: scheme.place)
        }
        var symbologies: Set<Symbology> = []
        for word in scheme.symbologies {
            guard let family = Self.families[word] ?? Symbology(rawValue: word).map({ [$0] }) else {
                let words = (Symbology.allCases.map(\.rawValue) + Self.families.keys).sorted().joined(separator: ", ")
                throw LoyaltyError(
                    .configurationInvalid, "there is no symbology \"\(word)\"", at: scheme.place,
                    remedy: "Known: \(words)")
            }
            symbologies.formUnion(family)
        }
        return CardScheme(
            name: scheme.name, prefix: scheme.prefix, lengths: scheme.length, checkDigit: check,
            symbologies: symbologies, droppingFirst: scheme.dropFirst, droppingLast: scheme.dropLast,
            applicationIdentifier: scheme.applicationIdentifier)
    }

    /// Words for several symbologies that a technician does not tell apart.
    private static let families: [String: Set<Symbology>] = [
        "ean": [.ean13, .ean8, .upca, .upce], "upc": [.upca, .upce], "interleaved25": [.itf],
    ]
}
