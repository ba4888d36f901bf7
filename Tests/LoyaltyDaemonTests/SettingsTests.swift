import CardReading
import EarnRules
import Foundation
import Logging
import LoyaltyModel
import Storage
import Testing
import USBReaders

@testable import LoyaltyDaemon

@Suite struct SettingsTests {
    private static let root = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// Loads a configuration from a file of its own; the directory is removed afterwards.
    private func load(_ text: String, dropIns: [String: String] = [:]) throws -> DaemonSettings {
        let directory = FileManager.default.temporaryDirectory.appending(path: "loyaltyd-\(UUID().uuidString)")
        let file = directory.appending(path: "loyaltyd.toml")
        let drops = directory.appending(path: "loyaltyd.toml.d")
        try FileManager.default.createDirectory(at: drops, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        try Data(text.utf8).write(to: file)
        for (name, content) in dropIns { try Data(content.utf8).write(to: drops.appending(path: name)) }
        let process = ProcessSetting(
            configurationFile: file.path, stateDirectory: nil, environment: [:], isRoot: true)
        return try SettingsLoader(process).load()
    }

    /// A key that the sample shows as a comment is a key that people will write.
    @Test func everyKeyOfTheSampleIsUnderstood() throws {
        let sample = try String(contentsOf: Self.root.appending(path: "Examples/loyaltyd.toml"), encoding: .utf8)
        let complete = sample.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            line.wholeMatch(of: /#(\[.*\]|[a-z_]+ = .*)/).map { String($0.1) } ?? String(line)
        }
        let commented =
            complete.count { !$0.hasPrefix("#") } - sample.split(separator: "\n").count { !$0.hasPrefix("#") }
        #expect(commented > 10)
        let settings = try load(complete.joined(separator: "\n"))
        #expect(settings.readers.devices.count == 1)
        #expect(settings.upstream?.url == "https://loyalty.example.com/events")
        _ = try ReaderRules(settings.readers)
    }

    @Test func aReaderIsSetUpByTheFirstSectionThatNamesIt() throws {
        let settings = try load(
            """
            [readers]
            keyboards = "listed"
            deny = ["046d:*"]
            [[readers.device]]
            match = "1-1.2"
            register = "7"
            terminator = "tab"
            [[readers.device]]
            match = "05e0:1200"
            layout = "de"
            signal_ok = "04 08"
            signal_no = ""
            flash_lights = true
            """)
        let rules = try ReaderRules(settings.readers)
        let options = rules.options
        let german = options.reader(vendorID: 0x05e0, productID: 0x1200, portPath: "1-3")
        #expect(german.layout == KeyboardLayout(named: "de"))
        #expect(german.terminators == ReaderOptions().terminators)
        #expect(german.signals == [.goodRead: [0x04, 0x08], .error: []])
        #expect(german.flashesLights)
        let atPort = options.reader(vendorID: 0x05e0, productID: 0x1200, portPath: "1-1.2")
        #expect(atPort.layout == .us)
        #expect(atPort.terminators == [.tab])
        #expect(options.reader(vendorID: 1, productID: 2, portPath: "1-4") == ReaderOptions())
        #expect(options.claim.deny == [.model(vendorID: 0x046d, productID: nil)])
        #expect(options.claim.allow == [.port("1-1.2"), .model(vendorID: 0x05e0, productID: 0x1200)])
        #expect(options.claimKeyboards == .allowed)
    }

    @Test func aSchemeDropsWhatIsNoPartOfTheNumber() throws {
        let settings = try load(
            """
            [[card_scheme]]
            name = "club"
            prefix = "A77"
            length = 10
            drop_first = 1
            drop_last = 2
            """)
        let classifier = try RulesLoader(settings).load().classifier
        let outcome = classifier.classify(text: "A771234599", kind: .card, entry: .scanned)
        #expect(outcome == .loyalty(try #require(CardNumber("7712345")), scheme: "club"))
    }

    /// The limit was read once and looked at by nothing; a new file may not have it.
    @Test func aProgramThatWasInForceIsReadAsItWas() async throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "loyaltyd-\(UUID().uuidString)").path
        try LoyaltyDatabase.prepare(directory: directory)
        let now = Timestamp(microseconds: 1_764_000_000_000_000)
        let database = try LoyaltyDatabase.open(
            directory: directory, key: try CardKey.loadOrCreate(directory + "/card.key"), now: now
        ) { "t1" }
        defer {
            database.close()
            try? FileManager.default.removeItem(atPath: directory)
        }
        let archive = ProgramArchive(database)
        let text = """
            schema = 1
            program = "old"
            [[reward]]
            id = "coffee"
            kind = "item"
            item = "a coffee"
            issue = "by_stamps"
            limit = { times = 1, per = "month" }
            """
        try await archive.keep([ProgramArchive.Copy(hash: "old", file: "old.toml", text: text)], at: now)
        let loader = RulesLoader(try load(""))
        let rules = try await loader.completed(
            loader.load(), archive, at: now, log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        #expect(rules.programs.program(hash: "old")?.identity.name == "old")
    }

    @Test func anApplicationIdentifierSaysPrefixAndLength() throws {
        let settings = try load("[[card_scheme]]\nname = \"club\"\nai = \"8018\"\n")
        let classifier = try RulesLoader(settings).load().classifier
        let outcome = classifier.classify(text: "]C18018952012345678901233", kind: .card, entry: .scanned)
        #expect(outcome == .loyalty(try #require(CardNumber("952012345678901233")), scheme: "club"))
        let error = try #require(throws: LoyaltyError.self) {
            try load("[[card_scheme]]\nname = \"club\"\nai = \"29\"\n")
        }
        #expect(error.place?.line == 3)
    }

    @Test func dropInsReplaceSingleKeysAndAddTables() throws {
        let scheme = "[[card_scheme]]\nname = \"NAME\"\nprefix = \"2984\"\nlength = 13\n"
        let settings = try load(
            "[till]\nregister = \"1\"\nsocket = \"a.sock\"\n" + scheme.replacing("NAME", with: "one"),
            dropIns: [
                "20.toml": "[till]\nregister = \"3\"\n", "10.toml": "[till]\nregister = \"2\"\n",
                "30.toml": scheme.replacing("NAME", with: "two"), "ignored.bak": "nonsense",
            ])
        #expect(settings.till.register == "3")
        #expect(settings.till.socketPath.hasSuffix("/a.sock"))
        #expect(settings.schemes.map(\.name) == ["one", "two"])
    }

    @Test(arguments: [
        ("[readers]\nkeyboards = \"some\"\n", 2), ("[till]\nsocket = 7\n", 2), ("[page]\nlisten = \"0.0.0.0:80\"\n", 2),
        ("\n[tills]\n", 2), ("[upstream]\nurl = \"http://\"\n", 2), ("[lane]\nheld_card_seconds = 0\n", 2),
        ("[[readers.device]]\nmatch = \"05e0:1200\"\nsignal_ok = \"4\"\n", 3),
        ("[[readers.device]]\nmatch = \"05e0:1200\"\nsignal_no = \"beep\"\n", 3),
    ])
    func aMistakeIsNamedWithItsLine(_ text: String, _ line: Int) throws {
        let error = try #require(throws: LoyaltyError.self) { try load(text) }
        #expect(error.code.kind == .configuration)
        #expect(error.place?.line == line)
        #expect(error.place?.file?.hasSuffix("loyaltyd.toml") == true)
    }
}
