import ControlAPI
import DataFormats
import Foundation
import LoyaltyModel
import Testing

@testable import LoyaltyDaemon

@Suite struct SettingsListingTests {
    private static let root = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    private func load(_ text: String, dropIn: String? = nil, environment: [String: String] = [:]) throws
        -> DaemonSettings
    {
        let directory = FileManager.default.temporaryDirectory.appending(path: "loyaltyd-\(UUID().uuidString)")
        let drops = directory.appending(path: "loyaltyd.toml.d")
        try FileManager.default.createDirectory(at: drops, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        try Data(text.utf8).write(to: directory.appending(path: "loyaltyd.toml"))
        if let dropIn { try Data(dropIn.utf8).write(to: drops.appending(path: "50-site.toml")) }
        let process = ProcessSetting(
            configurationFile: directory.path + "/loyaltyd.toml", stateDirectory: nil, environment: environment,
            isRoot: true)
        return try SettingsLoader(process).load()
    }

    private func entry(_ name: String, _ settings: DaemonSettings) -> ConfigurationEntry? {
        settings.listing.entries.first { "\($0.section).\($0.key)" == name }
    }

    /// What is listed as a default is what holds where nothing is written.
    @Test func theDefaultsAreThoseOfTheDaemon() throws {
        var text = ""
        for (section, keys) in SettingsListing.defaults {
            text += "[\(section)]\n"
            for case (let key, let value?) in keys { text += "\(key) = \(value)\n" }
        }
        var (written, none) = (try load(text), try load(""))
        #expect(written.listing.entries.map(\.value) == none.listing.entries.map(\.value))
        for settings in [none] { #expect(settings.listing.entries.allSatisfy { $0.origin == nil }) }
        (written.listing, none.listing) = (SettingsListing(), SettingsListing())
        (written.readers.place, none.readers.place) = (Place(), Place())
        #expect("\(written)" == "\(none)")
    }

    /// Each key that the sample file explains is listed, set or not.
    @Test func everyKeyOfTheSampleIsListed() throws {
        let sample = try String(contentsOf: Self.root.appending(path: "Examples/loyaltyd.toml"), encoding: .utf8)
        let lines = sample.split(separator: "\n").map { line in
            line.wholeMatch(of: /#(\[.*\]|[a-z_]+ = .*)/).map { String($0.1) } ?? String(line)
        }
        let settings = try load(lines.joined(separator: "\n"))
        var section = ""
        var keys = 0
        for line in lines where !line.hasPrefix("#") {
            if line.hasPrefix("[") {
                section = line.filter { !"[]".contains($0) }
            } else if let key = line.split(separator: " ").first {
                keys += 1
                let found = settings.listing.entries.contains {
                    $0.section == section && $0.key == key && $0.origin != nil
                }
                #expect(found, "\(section).\(key)")
            }
        }
        #expect(keys > 60)
    }

    @Test func theOriginIsThePlaceThatCounts() throws {
        let settings = try load(
            "[site]\nstore = \"1\"\n[lane]\nheld_card_seconds = 30\n[till.csv]\nnumber = \"N\"\ntime = [\"D\", \"T\"]\namount = \"A\"\nkinds = { \"G*\" = \"fee\" }\n",
            dropIn: "[site]\nstore = \"2\"\n[[card_scheme]]\nname = \"a\"\nprefix = \"29\"\nlength = 13\n")
        let store = try #require(entry("site.store", settings))
        #expect(store.value == "\"2\"")
        #expect(store.origin?.hasSuffix("/loyaltyd.toml.d/50-site.toml:2:9") == true)
        #expect(entry("lane.held_card_seconds", settings)?.value == "30")
        #expect(
            entry("lane.late_scan_seconds", settings) == .init(section: "lane", key: "late_scan_seconds", value: "60"))
        #expect(entry("site.zone", settings)?.value == "\"\(TimeZone.current.identifier)\"")
        #expect(entry("till.currency", settings)?.value == nil)
        #expect(entry("till.csv.time", settings)?.value == "[\"D\",\"T\"]")
        #expect(entry("till.csv.kinds.G*", settings)?.value == "\"fee\"")
        let scheme = try #require(entry("card_scheme.length", settings))
        #expect(scheme.number == 0 && scheme.value == "13")
        #expect(entry("paths.state_dir", settings)?.value == "\"/var/lib/loyaltyd\"")
    }

    @Test func whatTakesPrecedenceIsNamed() throws {
        let settings = try load(
            "[paths]\nstate_dir = \"/srv/points\"\nruntime_dir = \"/srv/run\"\n",
            environment: ["STATE_DIRECTORY": "/state"])
        #expect(entry("paths.state_dir", settings)?.value == "\"/state\"")
        #expect(entry("paths.state_dir", settings)?.origin == "the command line or the environment")
        #expect(entry("paths.runtime_dir", settings)?.origin?.hasSuffix("loyaltyd.toml:3:15") == true)
    }

    @Test func theEnvironmentIsNoDefault() throws {
        let settings = try load("", environment: ["STATE_DIRECTORY": "/state", "RUNTIME_DIRECTORY": "/run/a"])
        for name in ["paths.state_dir", "paths.runtime_dir"] {
            #expect(entry(name, settings)?.origin == "the command line or the environment")
        }
        let credentials = FileManager.default.temporaryDirectory.appending(path: "credentials-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: credentials, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: credentials) }
        try Data("token".utf8).write(to: credentials.appending(path: "upstream-token"))
        let upstream = try load(
            "[upstream]\nurl = \"https://points.example/events\"\n",
            environment: ["CREDENTIALS_DIRECTORY": credentials.path])
        #expect(entry("upstream.token_file", upstream)?.origin == "the credential of systemd")
    }

    @Test func noKeyOfTheBackEndIsListed() throws {
        let settings = try load("[upstream]\nurl = \"https://points.example/events?key=s3cret\"\n")
        #expect(entry("upstream.url", settings)?.value == "\"https://points.example/events?…\"")
        #expect(settings.upstream?.url.hasSuffix("s3cret") == true)
    }

    /// A reload puts the program, the schemes and the readers into force; the rest waits for the next start.
    @Test func aReloadSaysWhatWaits() throws {
        let scheme = "[[card_scheme]]\nname = \"a\"\nprefix = \"%\"\nlength = 13\n"
        let old = try load("[site]\nstore = \"1\"\n[till]\ncurrency = \"EUR\"\n" + scheme.replacing("%", with: "29"))
        let fresh = try load(
            "[site]\nstore = \"2\"\n[readers]\nkeyboards = \"never\"\n[till.drop]\ndirectory = \"/d\"\n"
                + scheme.replacing("%", with: "28"))
        func reloaded(_ readersApply: Bool) -> [String: ConfigurationEntry] {
            Dictionary(
                old.listing.reloaded(fresh.listing, readersApply: readersApply).entries.map {
                    ("\($0.section).\($0.key)", $0)
                },
                uniquingKeysWith: { first, _ in first })
        }
        let entries = reloaded(true)
        #expect(entries["site.store"]?.value == "\"1\"")
        #expect(entries["site.store"]?.pending == "\"2\"")
        #expect(entries["card_scheme.prefix"]?.value == "\"28\"")
        #expect(entries["card_scheme.prefix"]?.pending == nil)
        #expect(entries["readers.keyboards"]?.value == "\"never\"")
        #expect(entries["till.currency"]?.value == "\"EUR\"")
        #expect(entries["till.currency"]?.pending == "")
        #expect(entries["till.drop.directory"]?.value == nil)
        #expect(entries["till.drop.directory"]?.pending == "\"/d\"")
        let waiting = reloaded(false)
        #expect(waiting["readers.keyboards"]?.value == "\"known\"")
        #expect(waiting["readers.keyboards"]?.pending == "\"never\"")
        #expect(waiting["card_scheme.prefix"]?.value == "\"28\"")
    }
}
