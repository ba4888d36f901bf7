internal import ControlAPI
internal import DataFormats
internal import LoyaltyModel

/// What the configuration comes to, key by key: what the files say, and the defaults of the rest.
struct SettingsListing: Sendable, Equatable {
    private(set) var entries: [ConfigurationEntry] = []

    init() {}

    /// - Parameter document: the file with its drop-ins.
    init(_ document: DataNode, _ settings: DaemonSettings, _ process: ProcessSetting) {
        let root = Self.table(document)
        for (section, keys) in Self.defaults {
            let table = Self.table(root.first { $0.key == section }?.node)
            for (key, value) in keys {
                if let node = table.first(where: { $0.key == key })?.node {
                    add(node, section, key)
                } else {
                    entries.append(ConfigurationEntry(section: section, key: key, value: value))
                }
            }
            for entry in table where !keys.contains(where: { $0.key == entry.key }) {
                add(entry.node, section, entry.key)
            }
        }
        for entry in root where !Self.defaults.contains(where: { $0.section == entry.key }) {
            add(entry.node, "", entry.key)
        }
        replace("site", "zone", settings.site.zone.name, nil)
        replace(
            "paths", "state_dir", settings.stateDirectory,
            process.choosesStateDirectory ? Self.precedence : nil)
        replace(
            "paths", "runtime_dir", Self.directory(of: settings.controlSocketPath),
            process.choosesRuntimeDirectory ? Self.precedence : nil)
        if let upstream = settings.upstream, let file = upstream.tokenFile, file.hasSuffix("/upstream-token"),
            !file.hasSuffix("/" + (text("upstream", "token_file") ?? "/"))
        {
            replace("upstream", "token_file", file, "the credential of systemd")
        }
        hideQuery()
    }

    private static let precedence = "the command line or the environment"

    /// What a reload has put into force: the program, the card schemes and, unless they wait for another backend, the readers.
    func reloaded(_ fresh: SettingsListing, readersApply: Bool) -> SettingsListing {
        func applies(_ entry: ConfigurationEntry) -> Bool {
            switch entry.section.split(separator: ".").first {
            case "program", "card_scheme": true
            case "readers": readersApply
            default: false
            }
        }
        var result = SettingsListing()
        for var entry in fresh.entries {
            if !applies(entry) {
                let old = entries.first { $0.isSame(as: entry) }
                let value = entry.value
                (entry.value, entry.origin) = (old?.value, old?.origin)
                entry.pending = old?.value == value ? nil : value ?? ""
            }
            result.entries.append(entry)
        }
        for var entry in entries where !applies(entry) && !fresh.entries.contains(where: entry.isSame) {
            entry.pending = ""
            result.entries.append(entry)
        }
        return result
    }

    private mutating func add(_ node: DataNode, _ section: String, _ key: String, number: Int? = nil) {
        let name = section.isEmpty ? key : "\(section).\(key)"
        switch node.value {
        case .table(let entries):
            for entry in entries { add(entry.node, name, entry.key) }
        case .array(let items) where items.contains { if case .table = $0.value { true } else { false } }:
            for (index, item) in items.enumerated() {
                for entry in Self.table(item) { add(entry.node, name, entry.key, number: index) }
            }
        default:
            entries.append(
                ConfigurationEntry(
                    section: section, number: number, key: key, value: JSONText.compact(node), origin: "\(node.place)"))
        }
    }

    private func text(_ section: String, _ key: String) -> String? {
        entries.first { $0.section == section && $0.key == key }?.value.map { $0.filter { $0 != "\"" } }
    }

    /// Puts what is really used in the place of what the files say, where that is something else.
    private mutating func replace(_ section: String, _ key: String, _ value: String, _ origin: String?) {
        guard let index = entries.firstIndex(where: { $0.section == section && $0.key == key }) else { return }
        var written = ""
        JSONText.append(value, to: &written)
        guard entries[index].value != written else { return }
        (entries[index].value, entries[index].origin) = (written, origin)
    }

    /// The query of the back end's address may hold a key.
    private mutating func hideQuery() {
        for index in entries.indices where entries[index].section == "upstream" && entries[index].key == "url" {
            guard let value = entries[index].value, let mark = value.firstIndex(of: "?") else { continue }
            entries[index].value = value[...mark] + "…\""
        }
    }

    private static func directory(of path: String) -> String {
        path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    }

    private static func table(_ node: DataNode?) -> [DataNode.Entry] {
        guard case .table(let entries) = node?.value else { return [] }
        return entries
    }

    /// Every key that stands in the file at most once, with its default as TOML writes it; nil where there is none. Those of
    /// `till.drop`, `till.csv` and the arrays of tables are shown where they are set.
    static let defaults: [(section: String, keys: [(key: String, value: String?)])] = [
        ("site", [("store", nil), ("zone", nil), ("day_cutoff", "\"00:00\"")]),
        ("paths", [("state_dir", nil), ("runtime_dir", nil)]),
        (
            "till",
            [
                ("socket", "\"till.sock\""), ("socket_group", "\"\""), ("tcp", "\"\""),
                ("tcp_token_file", "\"till.token\""), ("pipe", "\"\""), ("register", nil), ("format", "\"native\""),
                ("currency", nil), ("source", nil), ("epoch", nil),
            ]
        ),
        (
            "readers",
            [
                ("backend", "\"usb\""), ("files", "[]"), ("repeat", "false"), ("keyboards", "\"known\""),
                ("claim", "[]"), ("deny", "[]"),
            ]
        ),
        ("program", [("file", nil)]),
        (
            "lane",
            [("held_card_seconds", "90"), ("held_card_complete_only_seconds", "600"), ("late_scan_seconds", "60")]
        ),
        (
            "signs",
            [
                ("card_uses", "4"), ("card_uses_many", "8"), ("again_seconds", "300"), ("cashier_percent", "60"),
                ("cashier_sales", "10"), ("keyed_percent", "50"), ("late_percent", "30"), ("day_cards", "10"),
                ("returns", "3"),
            ]
        ),
        (
            "storage",
            [
                ("budget_megabytes", "1024"), ("keep_sales_days", "90"), ("keep_quarantine_days", "90"),
                ("keep_figures_days", "400"),
            ]
        ),
        ("upstream", [("url", nil), ("token_file", nil), ("batch", "100"), ("timeout_seconds", "10")]),
        ("page", [("listen", "\"127.0.0.1:8787\"")]),
        ("log", [("level", "\"info\"")]),
    ]
}

extension ConfigurationEntry {
    fileprivate func isSame(as other: ConfigurationEntry) -> Bool {
        section == other.section && number == other.number && key == other.key
    }
}
