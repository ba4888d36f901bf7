internal import CardReading
internal import EarnRules
internal import Logging
internal import LoyaltyModel
internal import Storage

/// Turns the settings into what the lanes work by: the card classifier and the versions of the program.
struct RulesLoader {
    private let settings: DaemonSettings

    init(_ settings: DaemonSettings) { self.settings = settings }

    /// - Throws: errors of the configuration or a program file, with their place, of kind `configuration`.
    func load() throws(LoyaltyError) -> LaneService.Rules {
        do {
            let copies = try files()
            var programs: [Program] = []
            for copy in copies {
                programs.append(try Program.load(toml: copy.text, file: copy.file, hash: copy.hash))
            }
            return LaneService.Rules(
                classifier: try CardClassifier(schemes: settings.schemes.map(scheme)),
                programs: try ProgramVersions(programs), copies: copies)
        } catch {
            throw asConfigurationError(error)
        }
    }

    /// Keeps the program files that are in force from now on, and adds those that were in force before.
    ///
    /// A disk that takes no copy does not keep the lanes from working: the files are still there.
    func completed(
        _ rules: LaneService.Rules, _ archive: ProgramArchive, at now: Timestamp, log: Logger
    ) async throws(LoyaltyError) -> LaneService.Rules {
        do { try await archive.keep(rules.copies, at: now) } catch {
            log.error("no copy of the program files was kept", metadata: ["error": "\(error)"])
        }
        var kept: [Program] = []
        let known = Set(rules.copies.map(\.hash))
        for copy in try await archive.copies() where !known.contains(copy.hash) {
            do throws(LoyaltyError) {
                kept.append(try Program.load(toml: copy.text, file: copy.file, hash: copy.hash, isArchived: true))
            } catch {
                log.warning("a program that was in force before cannot be read", metadata: ["error": "\(error)"])
            }
        }
        var rules = rules
        rules.programs = try ProgramVersions(rules.programs.versions, kept: kept)
        return rules
    }

    private func files() throws(LoyaltyError) -> [ProgramArchive.Copy] {
        guard !settings.programFiles.isEmpty else {
            let text = Program.standardText
            return [ProgramArchive.Copy(hash: sha256Text(Array(text.utf8)), file: "(standard program)", text: text)]
        }
        var copies: [ProgramArchive.Copy] = []
        for file in settings.programFiles {
            let text = try readText(file)
            copies.append(ProgramArchive.Copy(hash: sha256Text(Array(text.utf8)), file: file, text: text))
        }
        return copies
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
