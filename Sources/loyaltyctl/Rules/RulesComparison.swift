import EarnRules
import LoyaltyModel

/// Two programs on the same sales. Members keep their points, counters and tiers from sale to sale, under each program
/// for itself, so that limits and tiers work as they would have.
struct RulesComparison {
    struct Pair: Encodable {
        var old: Points
        var new: Points

        var change: Points { (try? new.subtracting(old)) ?? .zero(decimals: new.decimals) }
        fileprivate var size: Ratio { change.isNegative ? ((try? change.negated()) ?? change).ratio : change.ratio }
    }

    struct SaleChange: Encodable {
        var line: Int
        var number: String
        var member: String?
        var currency: String
        var points: Pair
    }

    struct Report: Encodable {
        var sales = 0
        var bad = 0
        /// Sales that earn more, less and the same.
        var more = 0
        var less = 0
        var same = 0
        var totals: [String: Pair] = [:]
        /// By rule, then by currency.
        var rules: [String: [String: Pair]] = [:]
        /// The members whose points change most, the largest change first.
        var members: [MemberChange] = []
        var gaining = 0
        var losing = 0
        /// The largest changes of a sale.
        var largest: [SaleChange] = []
    }

    struct MemberChange: Encodable {
        var member: String
        var currency: String
        var points: Pair
    }

    private struct Books {
        let program: Program
        var states: [MemberID: MemberState] = [:]
        var counters: [MemberID: Counters] = [:]

        mutating func post(_ sold: SaleLines.Sold, _ number: Int) throws(LoyaltyError) -> EarnResult {
            var input = sold.input(program, .candidates)
            guard let member = sold.member else { return try program.evaluate(input) }
            var state = states[member.id] ?? MemberState()
            var values = counters[member.id] ?? [:]
            (input.state, input.counters) = (state, values)
            let result = try program.evaluate(input)
            try values.apply(result.counterChanges)
            _ = try program.credit(result, origin: "line \(number)", on: input.businessDay, to: &state)
            // Only tier and rights matter for later sales; a million lots would not.
            state.lots = []
            (states[member.id], counters[member.id]) = (state, values)
            return result
        }
    }

    static let listed = 10

    private(set) var report = Report()
    /// Every change of a sale, for the distribution.
    private(set) var changes: [String: [Points]] = [:]
    private let lines: SaleLines
    private var old: Books
    private var new: Books
    private var members: [String: [String: Pair]] = [:]

    init(old: Program, new: Program, members: MemberDirectory) throws(LoyaltyError) {
        lines = try SaleLines(members: members)
        self.old = Books(program: old)
        self.new = Books(program: new)
    }

    mutating func add(_ bytes: [UInt8], number: Int) throws(LoyaltyError) {
        guard let sold = try lines.read(bytes, number: number)?.sale else { return }
        try add(sold, number: number)
    }

    /// - Parameter number: the line of a file, or the place in the daemon's journal.
    mutating func add(_ sold: SaleLines.Sold, number: Int) throws(LoyaltyError) {
        let (before, after): (EarnResult, EarnResult)
        do throws(LoyaltyError) {
            before = try old.post(sold, number)
            after = try new.post(sold, number)
        } catch { throw error.at(Place(line: number)) }
        report.sales += 1
        var isMore = false
        var isLess = false
        for currency in Set((before.accruals + after.accruals).map(\.currency)).sorted() {
            let pair = Pair(old: before.points(currency), new: after.points(currency))
            try Self.add(pair, to: &report.totals[currency])
            if let member = sold.member?.id.value {
                try Self.add(pair, to: &members[member, default: [:]][currency])
            }
            guard !pair.change.isZero else { continue }
            if pair.change.isNegative { isLess = true } else { isMore = true }
            changes[currency, default: []].append(pair.change)
            note(
                SaleChange(
                    line: number, number: sold.sale.number, member: sold.member?.id.value, currency: currency,
                    points: pair))
        }
        if isMore { report.more += 1 }
        if isLess { report.less += 1 }
        if !isMore, !isLess { report.same += 1 }
        for (grants, isNew) in [(before.grants, false), (after.grants, true)] {
            for grant in grants {
                let zero = Points.zero(decimals: grant.granted.decimals)
                try Self.add(
                    Pair(old: isNew ? zero : grant.granted, new: isNew ? grant.granted : zero),
                    to: &report.rules[grant.rule, default: [:]][grant.currency])
            }
        }
    }

    mutating func addBad() { report.bad += 1 }

    mutating func finish() {
        var all: [MemberChange] = []
        for (member, currencies) in members {
            for (currency, points) in currencies where !points.change.isZero {
                all.append(MemberChange(member: member, currency: currency, points: points))
            }
        }
        report.gaining = all.filter { !$0.points.change.isNegative }.count
        report.losing = all.count - report.gaining
        report.members = Array(
            all.sorted { ($1.points.size, $0.member) < ($0.points.size, $1.member) }.prefix(Self.listed))
    }

    private mutating func note(_ change: SaleChange) {
        let place = report.largest.firstIndex { $0.points.size < change.points.size } ?? report.largest.endIndex
        report.largest.insert(change, at: place)
        if report.largest.count > Self.listed { report.largest.removeLast() }
    }

    private static func add(_ pair: Pair, to sum: inout Pair?) throws(LoyaltyError) {
        guard let before = sum else {
            sum = pair
            return
        }
        sum = Pair(old: try before.old.adding(pair.old), new: try before.new.adding(pair.new))
    }
}

extension EarnResult {
    fileprivate func points(_ currency: String) -> Points {
        accruals.first { $0.currency == currency }?.total ?? .zero(decimals: 0)
    }
}
