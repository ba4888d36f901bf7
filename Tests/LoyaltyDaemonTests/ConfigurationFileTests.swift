import FoundationEssentials
import Glibc
import LoyaltyModel
import Testing

@testable import LoyaltyDaemon

/// A directory of files that goes away with its owner.
private final class Files {
    let path: String

    init(_ files: [String: String]) throws {
        var template = Array("/tmp/set.XXXXXX".utf8CString)
        try #require(mkdtemp(&template) != nil)
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        for (name, text) in files {
            let file = URL(filePath: path + "/" + name)
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: file)
        }
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func load(
        stateDirectory: String? = nil, environment: [String: String] = [:], isRoot: Bool = true
    ) throws -> DaemonSettings {
        try SettingsLoader(
            ProcessSetting(
                configurationFile: path + "/loyaltyd.toml", stateDirectory: stateDirectory, environment: environment,
                isRoot: isRoot)
        ).load()
    }
}

@Suite struct ConfigurationFileTests {
    @Test func anEmptyFileGivesTheDocumentedDefaults() throws {
        let settings = try Files(["loyaltyd.toml": ""]).load()
        #expect(settings.stateDirectory == "/var/lib/loyaltyd")
        #expect(settings.till.socketPath == "/run/loyaltyd/till.sock")
        #expect(settings.controlSocketPath == "/run/loyaltyd/control.sock")
        #expect(settings.readers.backend == .usb)
        #expect(settings.storage.budget == 1024 * 1_048_576)
        #expect(settings.page?.port == 8787)
        #expect(settings.upstream == nil)
        #expect(settings.programFiles == [])
        #expect(settings.logLevel == "info")
    }

    @Test func laterDropInsReplaceKeysAndAddTables() throws {
        let scheme = "[[card_scheme]]\nname = \"%\"\nprefix = \"2984\"\nlength = 13\n"
        let files = try Files([
            "loyaltyd.toml": "[site]\nstore = \"1\"\nzone = \"Europe/London\"\n[readers]\nclaim = [\"1:1\", \"2:2\"]\n"
                + scheme.replacing("%", with: "a"),
            "loyaltyd.toml.d/20-store.toml": "[site]\nstore = \"20\"\n" + scheme.replacing("%", with: "c"),
            "loyaltyd.toml.d/10-store.toml": "[site]\nstore = \"10\"\n[readers]\nclaim = [\"3:3\"]\n"
                + scheme.replacing("%", with: "b"),
            "loyaltyd.toml.d/30-old.toml.bak": "[site]\nstore = \"30\"\n",
        ])
        let settings = try files.load()
        #expect(settings.site.store == "20")
        #expect(settings.readers.claim == ["3:3"])
        #expect(settings.schemes.map(\.name) == ["a", "b", "c"])
    }

    @Test func namesWithoutASlashStandBesideTheFileAndSocketsInTheRuntimeDirectory() throws {
        let files = try Files([
            "loyaltyd.toml": """
            [paths]
            state_dir = "/srv/state"
            runtime_dir = "/srv/run"
            [till]
            socket = "tills"
            [program]
            file = "p/program.toml"
            [upstream]
            url = "https://example.com/events"
            token_file = "token"
            """
        ])
        let settings = try files.load()
        #expect(settings.programFiles == [files.path + "/p/program.toml"])
        #expect(settings.upstream?.tokenFile == files.path + "/token")
        #expect(settings.till.socketPath == "/srv/run/tills")
        #expect(settings.controlSocketPath == "/srv/run/control.sock")
        #expect(settings.stateDirectory == "/srv/state")
    }

    @Test(
        "where state and sockets are: the option, then systemd, then the file",
        arguments: [
            (nil, [:], "/file/state", "/file/run"),
            (nil, ["STATE_DIRECTORY": "/sd/state"], "/sd/state", "/file/run"),
            (nil, ["STATE_DIRECTORY": "/sd/a:/sd/b", "RUNTIME_DIRECTORY": "/sd/run:/sd/r"], "/sd/a", "/sd/run"),
            ("/opt/state", ["STATE_DIRECTORY": "/sd/state"], "/opt/state", "/opt/state"),
            ("/opt/state", ["RUNTIME_DIRECTORY": "/sd/run"], "/opt/state", "/sd/run"),
        ] as [(String?, [String: String], String, String)])
    func places(option: String?, environment: [String: String], state: String, runtime: String) throws {
        let files = try Files(["loyaltyd.toml": "[paths]\nstate_dir = \"/file/state\"\nruntime_dir = \"/file/run\"\n"])
        let settings = try files.load(stateDirectory: option, environment: environment)
        #expect(settings.stateDirectory == state)
        #expect(settings.till.socketPath == runtime + "/till.sock")
        #expect(settings.controlSocketPath == runtime + "/control.sock")
    }

    @Test func aUserWithoutRootKeepsStateAtHome() throws {
        let files = try Files(["loyaltyd.toml": ""])
        let home = try files.load(environment: ["HOME": "/home/a"], isRoot: false)
        #expect(home.stateDirectory == "/home/a/.local/state/loyaltyd")
        #expect(home.till.socketPath == "/home/a/.local/state/loyaltyd/till.sock")
        let other = try files.load(environment: ["HOME": "/home/a", "XDG_STATE_HOME": "/x"], isRoot: false)
        #expect(other.stateDirectory == "/x/loyaltyd")
    }

    @Test func systemdsCredentialComesBeforeTheTokenFile() throws {
        let files = try Files([
            "loyaltyd.toml": "[upstream]\nurl = \"https://example.com/\"\ntoken_file = \"/etc/token\"\n",
            "credentials/upstream-token": "secret",
        ])
        #expect(try files.load().upstream?.tokenFile == "/etc/token")
        let credentials = files.path + "/credentials"
        let settings = try files.load(environment: ["CREDENTIALS_DIRECTORY": credentials])
        #expect(settings.upstream?.tokenFile == credentials + "/upstream-token")
    }

    @Test func theShippedExampleIsGood() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().path
        for file in ["Examples/loyaltyd.toml", "Examples/demo/loyaltyd.toml"] {
            let settings = try SettingsLoader(
                ProcessSetting(
                    configurationFile: root + "/" + file, stateDirectory: "/nowhere", environment: [:], isRoot: false)
            ).load()
            #expect(settings.schemes.map(\.name) == ["club"])
            #expect(try LoyaltyDaemon.check(settings).schemes == 1)
        }
    }

    @Test(
        "what is wrong is named with file, line and column, and ends the start with 78",
        arguments: [
            ("[site]\nstroe = \"1\"", 2, 1, "stroe"), ("[sight]\n", 1, 2, "sight"),
            ("[site]\nstore = 1", 2, 9, "store"), ("[site]\nzone = \"Europe/Londn\"", 2, 8, "Londn"),
            ("[site]\nday_cutoff = \"25:00\"", 2, 14, "day_cutoff"), ("[readers]\nbackend = \"hid\"", 2, 11, "usb"),
            ("[storage]\nbudget_megabytes = 1", 2, 20, "16"),
            ("[page]\nlisten = \"0.0.0.0:80\"", 2, 10, "this machine"),
            ("[upstream]\nurl = \"ftp://x\"", 2, 7, "https"), ("[log]\nlevel = \"loud\"", 2, 9, "notice"),
            ("[[card_scheme]]\nname = \"a\"\nprefix = \"1\"\nlength = 0", 4, 10, "1 to 64"),
            ("[[card_scheme]]\nname = \"a\"\nlength = 9", 1, nil, "prefix"), ("[site]\nstore = ", 2, nil, ""),
            ("[site]\nstore = \"1\"\nstore = \"2\"", nil, nil, ""),
        ] as [(String, Int?, Int?, String)])
    func errors(text: String, line: Int?, column: Int?, word: String) throws {
        let files = try Files(["loyaltyd.toml": text + "\n"])
        let error = try #require(throws: LoyaltyError.self) { try files.load() }
        #expect(error.code.kind.rawValue == 78)
        #expect(error.place?.file == files.path + "/loyaltyd.toml")
        if let line { #expect(error.place?.line == line, "\(error)") }
        if let column { #expect(error.place?.column == column, "\(error)") }
        #expect(error.description.contains(word), "\(error)")
    }

    @Test func anErrorInADropInNamesTheDropIn() throws {
        let files = try Files(["loyaltyd.toml": "", "loyaltyd.toml.d/a.toml": "\n[site]\nstroe = \"1\"\n"])
        let error = try #require(throws: LoyaltyError.self) { try files.load() }
        #expect(error.place?.file == files.path + "/loyaltyd.toml.d/a.toml")
        #expect(error.place?.line == 3)
    }

    @Test func aFileThatWasNamedMustExist() throws {
        let files = try Files([:])
        let error = try #require(throws: LoyaltyError.self) { try files.load() }
        #expect(error.code.name == "config.unreadable")
        #expect(error.code.kind.rawValue == 78)
    }

    @Test(
        "the program and the schemes are checked before the start",
        arguments: [
            ("[program]\nfile = \"none.toml\"", "none.toml"),
            ("[[card_scheme]]\nname = \"a\"\nprefix = \"4\"\nlength = 16", "payment"),
            ("[[card_scheme]]\nname = \"a\"\nprefix = \"29\"\nlength = 13\ncheck = \"mod11\"", "luhn"),
            ("[[card_scheme]]\nname = \"a\"\nprefix = \"29\"\nlength = 13\nsymbologies = [\"ean14\"]", "ean13"),
            ("[[readers.device]]\nmatch = \"scanner\"", "scanner"),
            ("[[readers.device]]\nmatch = \"05e0:1200\"\nlayout = \"klingon\"", "klingon"),
            ("[[readers.device]]\nmatch = \"05e0:1200\"\nterminator = \"bell\"", "bell"),
        ])
    func checks(text: String, word: String) throws {
        let settings = try Files(["loyaltyd.toml": text + "\n"]).load()
        let error = try #require(throws: LoyaltyError.self) { try LoyaltyDaemon.check(settings) }
        #expect(error.code.kind.rawValue == 78, "\(error)")
        #expect(error.description.contains(word), "\(error)")
    }

    @Test func anUnknownLayoutIsNamedAtItsPlaceWithTheNearest() throws {
        let text = "[[readers.device]]\nmatch = \"05e0:1200\"\nlayout = \"us(dvorka)\"\n"
        let files = try Files(["loyaltyd.toml": text])
        let settings = try files.load()
        let error = try #require(throws: LoyaltyError.self) { try LoyaltyDaemon.check(settings) }
        #expect(error.code.name == "readers.layout_unknown" && error.code.kind.rawValue == 78)
        #expect(error.place?.file == files.path + "/loyaltyd.toml")
        #expect(error.place?.line == 3 && error.place?.column == 10)
        #expect(error.remedy?.contains("\"us(dvorak)\"") == true, "\(error)")
    }
}
