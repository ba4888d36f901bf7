import DataFormats
public import LoyaltyModel

extension Program {
    /// Reads a program file (docs/program-files.md): TOML, `schema = 1`.
    ///
    /// - Parameters:
    ///   - file: the name that errors show.
    ///   - hash: SHA-256 of the file, lower-case hex; it names the program's version in every transaction.
    /// - Throws: `document.*` and `program.*`, each with line and column.
    public static func load(toml: String, file: String?, hash: String) throws(LoyaltyError) -> Program {
        let root = try TOMLDocument.parse(toml, file: file)
        var reader = try TableReader(root)
        try checkSchema(&reader)
        try reader.refuseUnsupported(["stamps", "reward", "rewards", "case", "cap", "where"])

        let identity = ProgramIdentity(
            name: try reader.requiredString("program", length: 1...64),
            version: try reader.string("version", length: 1...64),
            hash: hash
        )
        let currencies = try currencies(&reader)
        guard let primary = currencies.first else { throw reader.error("currency", "at least one currency is needed") }
        let rounding = try rounding(&reader, currencies)
        let defaults = RuleFile.Defaults(
            currencies: Dictionary(uniqueKeysWithValues: currencies),
            primaryCurrency: primary.name,
            basis: try Basis.read(from: &reader, "basis", default: Basis()),
            step: rounding.step
        )
        let zone = try ProgramZone.read(from: &reader) ?? .ofTheTill
        var returns = ReturnsPolicy()
        if var table = try reader.table("returns") {
            try table.refuseUnsupported(["clawback", "floor", "restore_redeemed"])
            returns.unlinked = try table.word("unlinked") ?? returns.unlinked
            try table.finish()
        }

        var notices: [Notice] = []
        let rules = try rules(&reader, defaults, &notices)
        try reader.finish()
        return Program(
            identity: identity,
            currencies: defaults.currencies,
            primaryCurrency: primary.name,
            zone: zone,
            returns: returns,
            rules: rules,
            notices: notices,
            currencyOrder: currencies.map(\.name),
            rounding: rounding
        )
    }

    private static func checkSchema(_ reader: inout TableReader) throws(LoyaltyError) {
        guard let schema = reader.node("schema") else {
            throw LoyaltyError(
                .programSchema,
                "\"schema\" is missing",
                at: reader.place,
                remedy: "Begin the file with schema = 1"
            )
        }
        guard schema.value == .integer(1) else {
            throw LoyaltyError(
                .programSchema,
                "this version reads program files of schema 1",
                at: reader.place(of: "schema")
            )
        }
    }

    private static func currencies(
        _ reader: inout TableReader
    ) throws(LoyaltyError) -> [(name: String, decimals: Int)] {
        guard var table = try reader.table("currency") else { return [("points", 0)] }
        var currencies: [(name: String, decimals: Int)] = []
        for name in table.keys {
            guard (1...32).contains(name.utf8.count) else {
                throw table.error(name, "the name of a currency has 1 to 32 bytes")
            }
            var currency = try table.requiredTable(name)
            let decimals = try currency.integer("decimals", 0...Int64(Points.maximumDecimals)) ?? 0
            try currency.finish()
            currencies.append((name, Int(decimals)))
        }
        return currencies
    }

    private static func rounding(
        _ reader: inout TableReader,
        _ currencies: [(name: String, decimals: Int)]
    ) throws(LoyaltyError) -> Rounding {
        var rounding = Rounding()
        guard var table = try reader.table("rounding") else { return rounding }
        rounding.mode = try table.word("mode") ?? rounding.mode
        rounding.scope = try table.word("scope") ?? rounding.scope
        rounding.moment = try table.word("when") ?? rounding.moment
        rounding.step = try table.word("step") ?? rounding.step
        if rounding.mode == .none, let whole = currencies.first(where: { $0.decimals == 0 }) {
            throw LoyaltyError(
                .programConflict,
                "without rounding, \(whole.name) need decimals",
                at: table.place(of: "mode"),
                remedy: "Write currency = { \(whole.name) = { decimals = 2 } } or another mode"
            )
        }
        try table.finish()
        return rounding
    }

    private static func rules(
        _ reader: inout TableReader,
        _ defaults: RuleFile.Defaults,
        _ notices: inout [Notice]
    ) throws(LoyaltyError) -> [Rule] {
        var rules: [Rule] = []
        var groups: [String: Rule] = [:]
        for table in try reader.tables("earn") {
            var file = RuleFile(table, defaults)
            let rule = try file.read()
            guard !rules.contains(where: { $0.id == rule.id }) else {
                throw LoyaltyError(
                    .programDuplicateRule,
                    "there is another rule \"\(rule.id)\"",
                    at: file.reader.place(of: "id")
                )
            }
            if let group = rule.stack?.group {
                if let first = groups[group] { try file.check(rule, against: first) } else { groups[group] = rule }
            }
            notices += file.notices
            rules.append(rule)
        }
        return rules
    }
}

extension Basis {
    static func read(
        from reader: inout TableReader,
        _ key: String,
        default other: Basis
    ) throws(LoyaltyError) -> Basis {
        guard var table = try reader.table(key) else { return other }
        try table.refuseUnsupported(["price", "shipping"])
        let basis = Basis(
            tax: try table.word("tax") ?? other.tax,
            discounts: try table.word("discounts") ?? other.discounts,
            coupons: try table.word("coupons") ?? other.coupons
        )
        try table.finish()
        return basis
    }
}

extension ProgramZone {
    static func read(from reader: inout TableReader) throws(LoyaltyError) -> ProgramZone? {
        guard let name = try reader.string("zone") else { return nil }
        guard let zone = ProgramZone(name: name) else {
            throw LoyaltyError(
                .programUnknownZone,
                "there is no time zone \"\(name)\"",
                at: reader.place(of: "zone"),
                remedy: "Use a name of the IANA database such as \"Europe/London\""
            )
        }
        return zone
    }
}

extension TableReader {
    /// - Throws: `program.unsupported` for the first of these keys that the table has.
    func refuseUnsupported(_ keys: [String]) throws(LoyaltyError) {
        guard let key = self.keys.first(where: keys.contains) else { return }
        throw unsupported(key)
    }

    func unsupported(_ key: String) -> LoyaltyError {
        LoyaltyError(.programUnsupported, "\"\(key)\" is not supported by this version", at: place(of: key))
    }
}
