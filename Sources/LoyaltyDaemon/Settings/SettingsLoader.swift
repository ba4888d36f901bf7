internal import CardReading
internal import Checkout
internal import DataFormats
internal import Foundation
public import LoyaltyModel
internal import TillFeed
internal import UpstreamSync

/// Reads the configuration file and its drop-ins into `DaemonSettings`.
public struct SettingsLoader: Sendable {
    private let process: ProcessSetting

    public init(_ process: ProcessSetting) { self.process = process }

    /// - Throws: `config.unreadable`, `config.invalid`, `document.*` with file, line and column, all of the kind that ends
    ///   with exit code 78.
    public func load() throws(LoyaltyError) -> DaemonSettings {
        do {
            let file = process.configurationFile ?? ProcessSetting.standardConfigurationFile
            var document = DataNode(.table([]), at: Place())
            if process.configurationFile != nil || FileManager.default.fileExists(atPath: file) {
                document = try parse(file)
                for dropIn in try dropIns(beside: file) { document = merge(document, try parse(dropIn)) }
            }
            let directory = file.lastIndex(of: "/").map { String(file[..<$0]) } ?? "."
            return try settings(document, directory: directory)
        } catch {
            throw asConfigurationError(error)
        }
    }

    private func parse(_ file: String) throws(LoyaltyError) -> DataNode {
        try TOMLDocument.parse(readText(file), file: file)
    }

    private func dropIns(beside file: String) throws(LoyaltyError) -> [String] {
        let directory = file + ".d"
        guard FileManager.default.fileExists(atPath: directory) else { return [] }
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: directory) else {
            throw LoyaltyError(
                .configurationUnreadable, "the directory of drop-ins cannot be read", at: Place(file: directory),
                remedy: "Check that loyaltyd's user may read it")
        }
        return names.filter { $0.hasSuffix(".toml") }.sorted().map { "\(directory)/\($0)" }
    }

    /// Keys of the later document replace those of the earlier one; tables are merged, arrays of tables added to.
    private func merge(_ earlier: DataNode, _ later: DataNode) -> DataNode {
        switch (earlier.value, later.value) {
        case (.table(var entries), .table(let changes)):
            for change in changes {
                if let index = entries.firstIndex(where: { $0.key == change.key }) {
                    entries[index].node = merge(entries[index].node, change.node)
                } else {
                    entries.append(change)
                }
            }
            return DataNode(.table(entries), at: later.place)
        case (.array(let items), .array(let more)):
            guard case .table? = more.first?.value else { return later }
            return DataNode(.array(items + more), at: later.place)
        default: return later
        }
    }

    private func settings(_ document: DataNode, directory: String) throws(LoyaltyError) -> DaemonSettings {
        var root = try TableReader(document)
        var paths = try section("paths", of: &root)
        let state = process.stateDirectory(configured: try paths.string("state_dir"))
        let runtime = process.runtimeDirectory(configured: try paths.string("runtime_dir"), stateDirectory: state)
        try paths.finish()
        var settings = DaemonSettings(
            site: try site(section("site", of: &root)), stateDirectory: state,
            controlSocketPath: runtime + "/control.sock",
            till: try till(section("till", of: &root), runtime: runtime, state: state),
            readers: try readers(section("readers", of: &root), directory), schemes: try schemes(&root),
            programFiles: try program(section("program", of: &root), directory),
            lane: try lane(section("lane", of: &root)), signs: try signs(section("signs", of: &root)),
            storage: try storage(section("storage", of: &root)),
            upstream: try upstream(section("upstream", of: &root), directory),
            page: try page(section("page", of: &root)), logLevel: try log(section("log", of: &root)))
        try root.finish()
        settings.listing = SettingsListing(document, settings, process)
        return settings
    }

    /// A table of the document, empty where it is not there.
    private func section(_ name: String, of root: inout TableReader) throws(LoyaltyError) -> TableReader {
        if let table = try root.table(name) { return table }
        return try TableReader(DataNode(.table([]), at: Place()), path: name)
    }

    private func site(_ reader: TableReader) throws(LoyaltyError) -> DaemonSettings.Site {
        var reader = reader
        let zone = try reader.parsed("zone") { text throws(LoyaltyError) in try CivilZone(text) }
        let site = DaemonSettings.Site(
            store: try reader.string("store"), zone: zone ?? .system,
            dayCutoff: try reader.parsed("day_cutoff") { text throws(LoyaltyError) in try TimeOfDay(text) }
                ?? TimeOfDay(secondsSinceMidnight: 0))
        try reader.finish()
        return site
    }

    private func till(
        _ reader: TableReader, runtime: String, state: String
    ) throws(LoyaltyError) -> DaemonSettings.Till {
        var reader = reader
        let format: TillDialect = try reader.word("format") ?? .native
        let columns = try reader.table("csv").map { table throws(LoyaltyError) in try CSVColumns(table) }
        let drop = try reader.table("drop").map { table throws(LoyaltyError) in
            var table = table
            let drop = DaemonSettings.Drop(
                directory: absolute(try table.requiredString("directory"), runtime),
                format: try table.word("format") ?? format)
            try table.finish()
            return drop
        }
        let till = DaemonSettings.Till(
            socketPath: absolute(try reader.string("socket") ?? "till.sock", runtime),
            socketGroup: try reader.string("socket_group").flatMap { $0.isEmpty ? nil : $0 },
            tcp: try reader.parsed("tcp") { text throws(LoyaltyError) in
                text.isEmpty ? nil : try LoopbackAddress(text)
            } ?? nil, tokenFile: absolute(try reader.string("tcp_token_file") ?? "till.token", state),
            pipe: try reader.string("pipe").flatMap { $0.isEmpty ? nil : absolute($0, runtime) },
            register: try reader.string("register"), format: format,
            currency: try reader.parsed("currency") { text throws(LoyaltyError) in try Currency(text) },
            source: try reader.string("source", length: 1...128), epoch: try reader.string("epoch", length: 1...64),
            columns: columns, drop: drop)
        guard columns != nil || format != .csv && drop?.format != .csv else {
            throw reader.error(
                "format", "nothing says which columns a CSV file has",
                remedy: "Write a [till.csv] section (docs/till-adapters.md)")
        }
        try reader.finish()
        return till
    }

    private func readers(_ reader: TableReader, _ directory: String) throws(LoyaltyError) -> DaemonSettings.Readers {
        var reader = reader
        var devices: [DaemonSettings.Readers.Device] = []
        for var device in try reader.tables("device") {
            devices.append(
                .init(
                    match: try device.requiredString("match"), register: try device.string("register"),
                    layout: try device.string("layout"), terminator: try device.string("terminator"),
                    gap: try device.integer("gap_ms", 10...5000).map { .milliseconds($0) },
                    prefix: try device.string("prefix"), suffix: try device.string("suffix"),
                    capsLock: try device.boolean("caps_lock") ?? false,
                    protocolName: try device.string("protocol"),
                    baudRate: try device.integer("baud", 300...921_600).map { UInt32(clamping: $0) },
                    line: try device.string("line"), signals: try signals(&device),
                    flashesLights: try device.boolean("flash_lights") ?? false, place: device.place,
                    layoutPlace: device.place(of: "layout")))
            try device.finish()
        }
        let readers = DaemonSettings.Readers(
            backend: try reader.word("backend") ?? .usb, keyboards: try reader.word("keyboards") ?? .known,
            claim: try reader.strings("claim") ?? [], deny: try reader.strings("deny") ?? [], place: reader.place,
            devices: devices, files: (try reader.strings("files") ?? []).map { absolute($0, directory) },
            repeats: try reader.boolean("repeat") ?? false)
        try reader.finish()
        return readers
    }

    /// `signal_ok`, `signal_ask` and `signal_no`: bytes in hexadecimal.
    private func signals(_ device: inout TableReader) throws(LoyaltyError) -> [TillAnswer.Signal: [UInt8]] {
        var signals: [TillAnswer.Signal: [UInt8]] = [:]
        for signal in TillAnswer.Signal.allCases {
            let key = "signal_\(signal.rawValue)"
            guard let text = try device.string(key) else { continue }
            let digits = text.filter { $0 != " " }
            let bytes = stride(from: 0, to: digits.utf8.count, by: 2).map { start in
                UInt8(digits.dropFirst(start).prefix(2), radix: 16)
            }
            guard digits.utf8.count.isMultiple(of: 2), digits.allSatisfy(\.isHexDigit), bytes.count <= 64 else {
                throw device.error(
                    key, "expected at most 64 bytes in hexadecimal",
                    remedy: "Write the output report as the reader's manual prints it, such as \"04 08\"")
            }
            signals[signal] = bytes.compactMap { $0 }
        }
        return signals
    }

    private func schemes(_ root: inout TableReader) throws(LoyaltyError) -> [DaemonSettings.Scheme] {
        var schemes: [DaemonSettings.Scheme] = []
        for var scheme in try root.tables("card_scheme") {
            let identifier = try scheme.string("ai")
            schemes.append(
                .init(
                    name: try scheme.requiredString("name"),
                    // The identifier says enough: the value of 8018 is a membership number of 18 digits.
                    prefix: identifier == nil
                        ? try scheme.requiredString("prefix") : try scheme.string("prefix") ?? "",
                    length: try length(&scheme, identifier), check: try scheme.string("check") ?? "none",
                    symbologies: try scheme.strings("symbologies") ?? [],
                    dropFirst: Int(try scheme.integer("drop_first", 0...63) ?? 0),
                    dropLast: Int(try scheme.integer("drop_last", 0...63) ?? 0), applicationIdentifier: identifier,
                    place: scheme.place))
            try scheme.finish()
        }
        return schemes
    }

    /// One number, or `[shortest, longest]`; left out, what the application identifier allows.
    private func length(_ reader: inout TableReader, _ identifier: String?) throws(LoyaltyError) -> ClosedRange<Int> {
        if let identifier, !reader.keys.contains("length") {
            _ = reader.node("length")
            guard let lengths = CardScheme.lengths(ofApplicationIdentifier: identifier) else {
                throw reader.error(
                    "ai", "there is no GS1 application identifier \"\(identifier)\"",
                    remedy: "Write one such as \"8018\", the membership number")
            }
            return lengths
        }
        let node = try reader.required("length")
        func bound(_ node: DataNode) -> Int? {
            guard case .integer(let number) = node.value, (1...64).contains(number) else { return nil }
            return Int(number)
        }
        if let exact = bound(node) { return exact...exact }
        if case .array(let ends) = node.value, ends.count == 2, let low = bound(ends[0]), let high = bound(ends[1]),
            low <= high
        {
            return low...high
        }
        throw reader.error("length", "expected a length from 1 to 64, or [shortest, longest]")
    }

    /// The program file, and the further versions in the folder beside it.
    private func program(_ reader: TableReader, _ directory: String) throws(LoyaltyError) -> [String] {
        var reader = reader
        let file = try reader.string("file").map { absolute($0, directory) }
        try reader.finish()
        guard let file else { return [] }
        return [file] + (try dropIns(beside: file))
    }

    private func lane(_ reader: TableReader) throws(LoyaltyError) -> DaemonSettings.Lane {
        var reader = reader
        let lane = DaemonSettings.Lane(
            heldCard: .seconds(try reader.integer("held_card_seconds", 1...3600) ?? 90),
            heldCardCompleteOnly: .seconds(try reader.integer("held_card_complete_only_seconds", 1...3600) ?? 600),
            lateScan: .seconds(try reader.integer("late_scan_seconds", 0...3600) ?? 60))
        try reader.finish()
        return lane
    }

    private func signs(_ reader: TableReader) throws(LoyaltyError) -> DaemonSettings.Signs {
        var reader = reader
        var limits = FraudSigns.Limits()
        func whole(_ key: String, _ standard: Int, most: Int64 = 1000) throws(LoyaltyError) -> Int {
            Int(try reader.integer(key, 0...most) ?? Int64(standard))
        }
        limits.cardUses = try whole("card_uses", limits.cardUses)
        limits.cardUsesMany = try whole("card_uses_many", limits.cardUsesMany)
        limits.again = .seconds(try whole("again_seconds", 300, most: 86_400))
        limits.cashierPercent = try whole("cashier_percent", limits.cashierPercent, most: 100)
        limits.cashierSales = try whole("cashier_sales", limits.cashierSales)
        limits.keyedPercent = try whole("keyed_percent", limits.keyedPercent, most: 100)
        limits.latePercent = try whole("late_percent", limits.latePercent, most: 100)
        limits.dayCards = try whole("day_cards", limits.dayCards)
        limits.returns = try whole("returns", limits.returns)
        var staff: [String: String] = [:]
        for var entry in try reader.tables("staff") {
            let cashier = try entry.requiredString("operator")
            guard staff[cashier] == nil else { throw entry.error("operator", "this cashier is named twice") }
            staff[cashier] = try entry.requiredString("member")
            try entry.finish()
        }
        try reader.finish()
        return DaemonSettings.Signs(limits: limits, staff: staff)
    }

    private func storage(_ reader: TableReader) throws(LoyaltyError) -> DaemonSettings.Storage {
        var reader = reader
        let storage = DaemonSettings.Storage(
            budget: (try reader.integer("budget_megabytes", 16...1_048_576) ?? 1024) * 1_048_576,
            saleDays: Int(try reader.integer("keep_sales_days", 90...3650) ?? 90),
            quarantineDays: Int(try reader.integer("keep_quarantine_days", 1...3650) ?? 90),
            figureDays: Int(try reader.integer("keep_figures_days", 1...3650) ?? 400))
        try reader.finish()
        return storage
    }

    private func upstream(
        _ reader: TableReader, _ directory: String
    ) throws(LoyaltyError) -> DaemonSettings.Upstream? {
        var reader = reader
        let url = try reader.string("url")
        let credential = process.environment["CREDENTIALS_DIRECTORY"].map { $0 + "/upstream-token" }
        let tokenFile = try reader.string("token_file").map { absolute($0, directory) }
        let batch = try reader.integer("batch", 1...1000) ?? 100
        let timeout = try reader.integer("timeout_seconds", 1...300) ?? 10
        try reader.finish()
        guard let url, !url.isEmpty else { return nil }
        guard url.hasPrefix("https://") || url.hasPrefix("http://") else {
            throw reader.error("url", "the back end's address begins with https:// or http://")
        }
        do { _ = try UpstreamURL(url) } catch { throw reader.error("url", error.message, remedy: error.remedy) }
        let hasCredential = credential.map { FileManager.default.fileExists(atPath: $0) } ?? false
        return DaemonSettings.Upstream(
            url: url, tokenFile: hasCredential ? credential : tokenFile, batch: Int(batch), timeout: .seconds(timeout))
    }

    private func page(_ reader: TableReader) throws(LoyaltyError) -> DaemonSettings.Page? {
        var reader = reader
        let listen = try reader.string("listen") ?? "127.0.0.1:8787"
        try reader.finish()
        if listen.isEmpty { return nil }
        let parts = listen.split(separator: ":")
        guard parts.count == 2, let port = Int(parts[1]), (0...65_535).contains(port),
            ["127.0.0.1", "localhost"].contains(parts[0])
        else {
            throw reader.error(
                "listen", "the status page listens on this machine only",
                remedy: "Write \"127.0.0.1:PORT\", or \"\" for no page")
        }
        return DaemonSettings.Page(host: "127.0.0.1", port: port)
    }

    private func log(_ reader: TableReader) throws(LoyaltyError) -> String {
        var reader = reader
        let level = try reader.string("level") ?? "info"
        try reader.finish()
        guard ["debug", "info", "notice", "warning", "error"].contains(level) else {
            throw reader.error("level", "expected debug, info, notice, warning or error")
        }
        return level
    }

    private func absolute(_ path: String, _ directory: String) -> String {
        path.hasPrefix("/") ? path : "\(directory)/\(path)"
    }
}

/// - Throws: `config.unreadable`.
func readText(_ file: String) throws(LoyaltyError) -> String {
    do { return try String(contentsOfFile: file, encoding: .utf8) } catch {
        throw LoyaltyError(
            .configurationUnreadable, "the file cannot be read", at: Place(file: file),
            remedy: "Check that it exists, is UTF-8 text, and that loyaltyd's user may read it")
    }
}

/// A broken configuration or program ends the start with 78, whatever parser found it.
func asConfigurationError(_ error: LoyaltyError) -> LoyaltyError {
    guard error.code.kind != .configuration else { return error }
    return LoyaltyError(
        LoyaltyError.Code(error.code.name, kind: .configuration), error.message, at: error.place, remedy: error.remedy)
}
