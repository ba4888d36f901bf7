import CardReading
import DataFormats
import FoundationEssentials
import LoyaltyModel
import ReaderChecks

/// What the daemon's configuration file and its drop-ins say of readers; the daemon itself checks the rest of it.
enum ReaderSettingsFile {
    static let standard = "/etc/loyaltyd/loyaltyd.toml"

    /// The defaults where there is no file; nil where it may not be read.
    ///
    /// - Throws: `document.*`, `usb.match_syntax`, with the place.
    static func load(_ file: String) throws(LoyaltyError) -> ReaderSituation.Settings? {
        var settings = ReaderSituation.Settings()
        guard FileManager.default.fileExists(atPath: file) else { return settings }
        let directory = file + ".d"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        for path in [file] + names.filter({ $0.hasSuffix(".toml") }).sorted().map({ "\(directory)/\($0)" }) {
            guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return nil }
            try add(TOMLDocument.parse(text, file: path), to: &settings)
        }
        return settings
    }

    private static func add(_ document: DataNode, to settings: inout ReaderSituation.Settings) throws(LoyaltyError) {
        var root = try TableReader(document)
        guard var readers = try root.table("readers") else { return }
        settings.backend = try readers.word("backend") ?? settings.backend
        settings.keyboards = try readers.word("keyboards") ?? settings.keyboards
        if let deny = try readers.strings("deny") {
            settings.denied = []
            for text in deny { settings.denied.append(try match(text, readers.place(of: "deny"))) }
        }
        for var device in try readers.tables("device") {
            let text = try device.requiredString("match")
            settings.sections.append(
                .init(
                    match: try match(text, device.place), text: text, place: "\(device.place)",
                    register: try device.string("register")))
        }
        for text in try readers.strings("claim") ?? [] {
            let place = readers.place(of: "claim")
            settings.sections.append(.init(match: try match(text, place), text: text, place: "\(place)"))
        }
    }

    private static func match(_ text: String, _ place: Place) throws(LoyaltyError) -> DeviceMatch {
        do { return try DeviceMatch(text) } catch {
            throw LoyaltyError(error.code, error.message, at: place, remedy: error.remedy)
        }
    }
}
