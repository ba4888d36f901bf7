import DataFormats
import LoyaltyModel

extension LineFilter {
    /// One `[[tag]]`: a name for products.
    static func readTag(_ table: inout TableReader, _ context: FileContext) throws(LoyaltyError) -> LineFilter {
        try table.refuseUnsupported(["tag"])
        let filter = try table.filterKeys(context)
        guard !filter.isEmpty else {
            throw LoyaltyError(
                .documentMissingKey, "one of \"class\", \"category\", \"sku\", \"brand\" is needed", at: table.place)
        }
        try table.finish()
        return filter
    }
}

extension CounterDeclaration {
    static func read(
        _ table: inout TableReader, _ names: inout Set<String>, _ context: FileContext
    ) throws(LoyaltyError) -> CounterDeclaration {
        let id = try table.id(&names)
        let match = try table.match(context)
        let counter = CounterDeclaration(
            id: id, counts: try table.requiredWord("counts"), per: try table.requiredWord("per"),
            scope: try table.word("scope") ?? .member, currency: try table.currency(context), match: match,
            exclude: try table.exclude(named: match?.classes ?? [], context), tenders: try table.tenders(),
            basis: try Basis.read(from: &table, "basis", default: context.basis))
        if counter.per == .sale { throw table.error("per", "a counter counts over more than one sale") }
        if counter.counts == .points || counter.counts == .qualifying || counter.counts == .visits,
            let key = table.keys.first(where: ["match", "exclude", "tender", "exclude_tender", "basis"].contains)
        {
            throw table.conflict(key, "\"\(counter.counts.rawValue)\" counts no lines")
        }
        try table.finish()
        return counter
    }
}

extension TierLadder {
    static func read(_ table: inout TableReader, _ context: FileContext) throws(LoyaltyError) -> TierLadder {
        let counter = try table.requiredString("counter")
        guard context.counters.contains(counter) else {
            throw table.unknown("counter", "counter", counter, context.counters)
        }
        var levels: [Level] = []
        for var entry in try table.tables("levels") {
            let level = Level(
                id: try entry.requiredString("id", length: 1...64), threshold: try entry.requiredAmount("at"),
                perks: try entry.strings("perks") ?? [])
            if levels.contains(where: { $0.id == level.id }) {
                throw LoyaltyError(
                    .programDuplicateRule, "there is another tier \"\(level.id)\"", at: entry.place(of: "id"))
            }
            if let last = levels.last, level.threshold <= last.threshold {
                throw entry.error("at", "levels stand from the lowest to the highest")
            }
            try entry.finish()
            levels.append(level)
        }
        guard !levels.isEmpty else { throw table.error("levels", "at least one level is needed") }
        let ladder = TierLadder(
            counter: counter, levels: levels, validity: try table.expiry("valid", context),
            downgrade: try table.word("downgrade") ?? .reevaluate, applies: try table.word("applies") ?? .nextSale,
            returns: try table.word("returns") ?? .keep)
        try table.finish()
        return ladder
    }

    /// The names of the levels alone: conditions of other tables name them before the ladder can be read.
    static func names(_ table: TableReader?) throws(LoyaltyError) -> Set<String>? {
        guard var table else { return nil }
        var names: Set<String> = []
        for var level in try table.tables("levels") { if let id = try level.string("id") { names.insert(id) } }
        return names
    }
}

extension EntitlementDeclaration {
    static func read(
        _ table: inout TableReader, _ names: inout Set<String>, _ context: FileContext
    ) throws(LoyaltyError) -> EntitlementDeclaration {
        let id = try table.id(&names)
        var soldAs = try table.requiredTable("sold_as")
        let filter = try soldAs.filterKeys(context)
        guard !filter.isEmpty else {
            throw LoyaltyError(.documentMissingKey, "\"sold_as\" names no product", at: soldAs.place)
        }
        try soldAs.finish()
        let lasts: Expiry
        if case .string = try table.required("lasts").value {
            var expiry = Expiry()
            expiry.after = try table.span("lasts")
            lasts = expiry
        } else {
            lasts = try table.expiry("lasts", context) ?? Expiry()
            guard lasts.inactive == nil else {
                throw table.error("lasts", "inactivity does not end what was paid for")
            }
        }
        let entitlement = EntitlementDeclaration(
            id: id, lasts: lasts, renewal: try table.word("renewal") ?? .extend,
            perks: try table.strings("perks") ?? [], soldAs: filter)
        try table.finish()
        return entitlement
    }
}

extension MemberDayDeclaration {
    static func read(
        _ table: inout TableReader, _ id: String, _ context: FileContext
    ) throws(LoyaltyError) -> MemberDayDeclaration {
        var quota = try table.requiredTable("quota")
        var quotas: [String: Int64] = [:]
        for tier in quota.keys {
            quotas[tier] = try quota.integer(tier, 0...366)
            if tier != "any" { try MemberCondition.check([tier], tier, context, quota) }
        }
        guard !quotas.isEmpty else { throw table.error("quota", "name tiers, or \"any\", with a number of days") }
        try quota.finish()
        let day = MemberDayDeclaration(
            id: id, quotas: quotas, per: try table.requiredWord("per"),
            canBookAtTill: try table.boolean("book_at_till") ?? false)
        if day.per == .sale { throw table.error("per", "days are counted over a longer time") }
        try table.finish()
        return day
    }
}

extension BeneficiaryDeclaration {
    static func read(
        _ table: inout TableReader, _ names: inout Set<String>
    ) throws(LoyaltyError) -> BeneficiaryDeclaration {
        let beneficiary = BeneficiaryDeclaration(
            id: try table.id(&names), name: try table.requiredString("name", length: 1...128),
            isDefault: try table.boolean("default") ?? false)
        try table.finish()
        return beneficiary
    }
}

extension PartnerDeclaration {
    static func read(
        _ table: inout TableReader, _ names: inout Set<String>, _ context: FileContext
    ) throws(LoyaltyError) -> PartnerDeclaration {
        let id = try table.id(&names)
        var number = try table.requiredTable("number")
        var lengths: Set<Int> = []
        for node in try number.array("length") ?? [] {
            guard case .integer(let length) = node.value, (1...40).contains(length) else {
                throw number.error("length", "expected lengths from 1 to 40, such as [9, 10]")
            }
            lengths.insert(Int(length))
        }
        guard !lengths.isEmpty else {
            throw LoyaltyError(.documentMissingKey, "\"length\" is missing", at: number.place)
        }
        let prefixes = try number.strings("prefix") ?? []
        let characters = try number.word("characters", as: PartnerDeclaration.Characters.self) ?? .digits
        let check = try number.word("check", as: CheckDigitRule.self) ?? CheckDigitRule.none
        if characters == .lettersAndDigits, check != .none, check != .mod97 {
            throw number.conflict("check", "\"\(check.rawValue)\" is made for digits")
        }
        try number.finish()
        let match = try table.match(context)
        let partner = PartnerDeclaration(
            id: id, lengths: lengths, prefixes: prefixes, characters: characters, check: check,
            forwards: try table.boolean("forward") ?? false, match: match,
            exclude: try table.exclude(named: match?.classes ?? [], context),
            basis: try Basis.read(from: &table, "basis", default: context.basis))
        try table.finish()
        return partner
    }
}
