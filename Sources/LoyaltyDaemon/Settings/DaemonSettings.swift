public import Checkout
public import LoyaltyModel
public import TillFeed

/// The daemon's whole configuration, checked. Examples/loyaltyd.toml documents every key.
public struct DaemonSettings: Sendable {
    public struct Site: Sendable {
        public var store: String?
        public var zone: CivilZone
        public var dayCutoff: TimeOfDay

        /// The business day in which the store is at an instant.
        func businessDay(_ time: Timestamp) -> CalendarDate { zone.businessDay(time, cutoff: dayCutoff) }

        /// When that business day began.
        func startOfBusinessDay(_ time: Timestamp) -> Timestamp {
            let begins = Int64(dayCutoff.secondsSinceMidnight)
            let into = Int64(zone.local(time).timeOfDay.secondsSinceMidnight) - begins
            let start = time.adding(seconds: into >= 0 ? -into : -into - 86_400)
            // Across a change to or from summer time, clocks showed something else then.
            let shown = Int64(zone.local(start).timeOfDay.secondsSinceMidnight) - begins
            guard shown != 0 else { return start }
            return start.adding(seconds: shown > 43_200 ? 86_400 - shown : shown < -43_200 ? -86_400 - shown : -shown)
        }
    }

    public struct Till: Sendable {
        public var socketPath: String
        public var socketGroup: String?
        /// Where tills may connect over TCP; nil for nowhere.
        public var tcp: LoopbackAddress?
        /// Holds the word that a TCP connection begins with.
        public var tokenFile: String
        /// A named pipe that tills write into; nil for none.
        public var pipe: String?
        /// The register of readers that no rule assigns; nil: the only register that sends sales.
        public var register: String?
        /// What comes over the socket and standard input.
        public var format: TillDialect
        /// Of documents of other formats that name none.
        public var currency: Currency?
        /// The `source` of events that are made out of documents; nil: store and register.
        public var source: String?
        public var epoch: String?
        /// Of CSV files.
        public var columns: CSVColumns?
        /// A folder into which tills put whole files; nil for none.
        public var drop: Drop?
    }

    public struct Drop: Sendable {
        public var directory: String
        public var format: TillDialect
    }

    public struct Readers: Sendable {
        public enum Backend: String, Sendable, CaseIterable { case usb, capture, none }

        public struct Device: Sendable {
            public var match: String
            public var register: String?
            public var layout: String?
            public var terminator: String?
            /// The longest silence inside a scan; nil: the usual one.
            public var gap: Duration?
            /// What the reader puts around every code.
            public var prefix: String?
            public var suffix: String?
            public var capsLock: Bool
            public var protocolName: String?
            /// Of a serial port, in bits per second.
            public var baudRate: UInt32?
            /// Of a serial port: `8N1`.
            public var line: String?
            /// Bytes to send for a signal; empty for none.
            public var signals: [TillAnswer.Signal: [UInt8]]
            /// Whether the lights of a keyboard give signals.
            public var flashesLights: Bool
            public var place: Place
            /// Of the layout's name.
            public var layoutPlace: Place
        }

        /// Which keyboards are taken for readers: those of the built-in table and the named ones, the named ones alone, none.
        public enum Keyboards: String, Sendable, CaseIterable { case known, listed, never }

        public var backend: Backend
        public var keyboards: Keyboards
        public var claim: [String]
        public var deny: [String]
        public var place: Place
        public var devices: [Device]
        /// Captures that are played in place of readers, and whether they begin again at their end.
        public var files: [String]
        public var repeats: Bool
    }

    public struct Scheme: Sendable {
        public var name: String
        public var prefix: String
        public var length: ClosedRange<Int>
        public var check: String
        public var symbologies: [String]
        public var dropFirst: Int
        public var dropLast: Int
        /// The GS1 application identifier whose value is the number.
        public var applicationIdentifier: String?
        public var place: Place
    }

    public struct Lane: Sendable {
        public var heldCard: Duration
        public var heldCardCompleteOnly: Duration
        public var lateScan: Duration
    }

    public struct Signs: Sendable {
        /// Where a sign of misuse begins.
        public var limits: FraudSigns.Limits
        /// The member that each cashier is, by the till's name of the cashier.
        public var staff: [String: String]
    }

    public struct Storage: Sendable {
        /// Bytes that the database may take.
        public var budget: Int64
        /// Days after which delivered sales are removed; at least 90.
        public var saleDays: Int
        /// Days after which lines in quarantine are removed.
        public var quarantineDays: Int
        /// Days after which daily figures are removed.
        public var figureDays: Int
    }

    public struct Upstream: Sendable {
        public var url: String
        public var tokenFile: String?
        public var batch: Int
        public var timeout: Duration
    }

    public struct Page: Sendable {
        public var host: String
        public var port: Int
    }

    public var site: Site
    public var stateDirectory: String
    public var controlSocketPath: String
    public var till: Till
    public var readers: Readers
    public var schemes: [Scheme]
    /// The program file and those of its folder, each a version of the program; empty: the standard program.
    public var programFiles: [String]
    public var lane: Lane
    public var signs: Signs
    public var storage: Storage
    public var upstream: Upstream?
    public var page: Page?
    /// `debug`, `info`, `notice`, `warning`, `error`.
    public var logLevel: String
    /// The same, key by key, with the places.
    var listing = SettingsListing()
}

extension LoyaltyError.Code {
    public static let configurationUnreadable = Self("config.unreadable", kind: .configuration)
    public static let configurationInvalid = Self("config.invalid", kind: .configuration)
}

/// Where the process was told to work, before any file is read.
public struct ProcessSetting: Sendable {
    public var configurationFile: String?
    public var stateDirectory: String?
    public var environment: [String: String]
    public var isRoot: Bool

    public init(
        configurationFile: String?, stateDirectory: String?, environment: [String: String], isRoot: Bool
    ) {
        self.configurationFile = configurationFile
        self.stateDirectory = stateDirectory
        self.environment = environment
        self.isRoot = isRoot
    }

    static let standardConfigurationFile = "/etc/loyaltyd/loyaltyd.toml"

    /// The option, systemd's directory, the file's key, `/var/lib/loyaltyd` for root, else the user's own state directory.
    func stateDirectory(configured: String?) -> String {
        if let stateDirectory { return stateDirectory }
        if let directory = environment["STATE_DIRECTORY"], !directory.isEmpty {
            return String(directory.split(separator: ":")[0])
        }
        if let configured { return configured }
        if isRoot { return "/var/lib/loyaltyd" }
        if let home = environment["XDG_STATE_HOME"], home.hasPrefix("/") { return home + "/loyaltyd" }
        return (environment["HOME"] ?? "/tmp") + "/.local/state/loyaltyd"
    }

    /// Whether the file's key does not count.
    var choosesStateDirectory: Bool { stateDirectory != nil || names("STATE_DIRECTORY") }
    /// Whether the file's key does not count.
    var choosesRuntimeDirectory: Bool { stateDirectory != nil || names("RUNTIME_DIRECTORY") }

    private func names(_ variable: String) -> Bool { environment[variable].map { !$0.isEmpty } ?? false }

    /// systemd's directory; the state directory where that was chosen by hand or belongs to a user; else `/run/loyaltyd`.
    func runtimeDirectory(configured: String?, stateDirectory state: String) -> String {
        if let directory = environment["RUNTIME_DIRECTORY"], !directory.isEmpty {
            return String(directory.split(separator: ":")[0])
        }
        if stateDirectory != nil { return state }
        return configured ?? (isRoot ? "/run/loyaltyd" : state)
    }
}
