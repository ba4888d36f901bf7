import DataFormats
import LoyaltyModel

/// What tables of a program file need to know of the rest of it.
struct FileContext {
    var currencies: [String: Int] = [:]
    var primaryCurrency = ""
    var basis = Basis()
    var step = Rounding.Step.linear
    var tags: [String: LineFilter] = [:]
    var partners: Set<String> = []
    var counters: Set<String> = []
    /// nil where the file declares no tiers, so that the back end's names are taken as they are.
    var tiers: Set<String>?
    var memberDays: Set<String> = []
    var rewards: Set<String> = []
    /// Names that the trace and the accruals use, so that no second rule, cap or card may.
    var names: Set<String> = [Evaluation.basketStep, Evaluation.totalStep]

    /// The file was in force once: what is refused for the good of new files is read.
    var isArchived = false

    func decimals(_ currency: String) -> Int { currencies[currency] ?? 0 }
}

extension TableReader {
    /// - Throws: `program.unsupported` for the first of these keys that the table has.
    func refuseUnsupported(_ keys: [String]) throws(LoyaltyError) {
        guard let key = self.keys.first(where: keys.contains) else { return }
        throw LoyaltyError(.programUnsupported, "\"\(key)\" is not supported by this version", at: place(of: key))
    }

    func conflict(_ key: String, _ message: String, remedy: String? = nil) -> LoyaltyError {
        LoyaltyError(.programConflict, message, at: place(of: key), remedy: remedy)
    }

    /// A name that has to stand in a list of declared ones.
    func unknown(_ key: String, _ what: String, _ name: String, _ declared: Set<String>) -> LoyaltyError {
        LoyaltyError(
            .programUnknownName, "the program declares no \(what) \"\(name)\"", at: place(of: key),
            remedy: declared.isEmpty ? nil : "Declared: " + declared.sorted().joined(separator: ", "))
    }

    mutating func id(_ taken: inout Set<String>) throws(LoyaltyError) -> String {
        let key = "id"
        let id = try requiredString(key, length: 1...64)
        guard id != Evaluation.basketStep, id != Evaluation.totalStep else {
            throw error(key, "\"\(id)\" is a name that the trace uses itself")
        }
        guard taken.insert(id).inserted else {
            throw LoyaltyError(.programDuplicateRule, "there is another \"\(id)\"", at: place(of: key))
        }
        return id
    }

    mutating func currency(_ context: FileContext) throws(LoyaltyError) -> String {
        guard let name = try string("currency") else { return context.primaryCurrency }
        guard context.currencies[name] != nil else {
            throw LoyaltyError(
                .programUnknownCurrency, "the program declares no currency \"\(name)\"", at: place(of: "currency"),
                remedy: "Declared: " + context.currencies.keys.sorted().joined(separator: ", "))
        }
        return name
    }

    /// A string, or an array of strings.
    mutating func oneOrMore(_ key: String) throws(LoyaltyError) -> Set<String>? {
        guard let node = node(key) else { return nil }
        if case .string(let text) = node.value { return [text] }
        return try strings(key).map(Set.init)
    }

    /// A decimal that is not negative.
    mutating func amount(_ key: String, positive: Bool = false) throws(LoyaltyError) -> DecimalNumber? {
        guard let number = try decimal(key) else { return nil }
        guard !number.isNegative, !positive || !number.isZero else {
            throw error(key, positive ? "it is more than zero" : "it is not negative")
        }
        return number
    }

    mutating func requiredAmount(_ key: String, positive: Bool = false) throws(LoyaltyError) -> DecimalNumber {
        guard let number = try amount(key, positive: positive) else {
            throw LoyaltyError(.documentMissingKey, "\"\(key)\" is missing", at: place)
        }
        return number
    }

    /// Points that the currency's decimals can hold.
    mutating func points(_ key: String, _ currency: String, _ context: FileContext) throws(LoyaltyError) -> Points? {
        guard let number = try decimal(key) else { return nil }
        let decimals = context.decimals(currency)
        guard !number.isNegative, let units = try? number.units(scale: decimals) else {
            throw error(key, "\(currency) have \(decimals) decimals and are not negative")
        }
        return Points(units: units, decimals: decimals)
    }

    /// `14 days`.
    mutating func span(_ key: String) throws(LoyaltyError) -> CalendarSpan? {
        guard let text = try string(key) else { return nil }
        let parts = text.split(separator: " ", omittingEmptySubsequences: false)
        guard parts.count == 2, let count = Int(parts[0]), (1...10_000).contains(count) else {
            throw error(key, "expected a number and a unit such as \"14 days\"")
        }
        let word = parts[1].hasSuffix("s") ? String(parts[1]) : parts[1] + "s"
        guard let unit = CalendarSpan.Unit(rawValue: word) else {
            throw error(key, "the unit is days, weeks, months or years")
        }
        return CalendarSpan(count: count, unit: unit)
    }

    mutating func date(_ key: String) throws(LoyaltyError) -> CalendarDate? {
        guard let node = node(key) else { return nil }
        guard case .date(let day) = node.value else {
            throw error(key, "expected a date such as 2027-01-04, without quotes")
        }
        return day
    }
}
