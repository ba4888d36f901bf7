import EarnRules
import LoyaltyModel

/// What one sale of a file earns.
struct TriedSale: Encodable {
    var line: Int
    var number: String
    var total: Money
    var member: String?
    /// A member was named and is not in the member file.
    var isUnknownMember: Bool
    var accruals: [Accrual]
    /// Lines that bring goods back; the ledger takes back what those goods earned, which no file of sales tells.
    var returnLines: Int
    var flags: [String]
    var trace: [TraceStep]
    /// What the sale would have needed besides for more points.
    var missing: [MissingPart]

    private enum CodingKeys: String, CodingKey {
        case line, number, total, member, accruals, flags, trace, missing
        case isUnknownMember = "unknown_member"
        case returnLines = "return_lines"
    }
}

/// Runs the sales of a file through a program, line by line, as the daemon would, and keeps nothing but sums.
struct RulesTrial {
    struct Totals {
        var sales = 0
        var withMember = 0
        /// Events that are no finished sale.
        var skipped = 0
        var bad = 0
        var points: [String: Points] = [:]
    }

    var totals = Totals()
    private let program: Program
    private let sales: SaleLines
    private let explanation: EarnInput.Explanation

    init(
        program: Program, members: MemberDirectory, explanation: EarnInput.Explanation = .automatic
    ) throws(LoyaltyError) {
        self.program = program
        self.explanation = explanation
        sales = try SaleLines(members: members)
    }

    /// Nil for an event that is no finished sale.
    ///
    /// - Throws: `till.*` with line and column, `number.overflow`, `money.currency_mismatch`.
    mutating func evaluate(_ line: [UInt8], number: Int) throws(LoyaltyError) -> TriedSale? {
        guard let event = try sales.read(line, number: number) else { return nil }
        guard let read = event.sale else {
            totals.skipped += 1
            return nil
        }
        let input = read.input(program, explanation)
        let result: EarnResult
        let missing: [MissingPart]
        do throws(LoyaltyError) {
            result = try program.evaluate(input)
            missing = try program.missing(input)
        } catch { throw error.at(Place(line: number)) }
        try add(result, hasMember: read.member != nil)
        return TriedSale(
            line: number, number: read.sale.number, total: read.sale.totals.grand, member: read.member?.id.value,
            isUnknownMember: read.member == nil && read.hasCard, accruals: result.accruals,
            returnLines: program.returnLines(of: read.sale).count, flags: result.flags,
            trace: result.trace, missing: missing)
    }

    private mutating func add(_ result: EarnResult, hasMember: Bool) throws(LoyaltyError) {
        totals.sales += 1
        if hasMember { totals.withMember += 1 }
        for accrual in result.accruals {
            let before = totals.points[accrual.currency] ?? .zero(decimals: accrual.total.decimals)
            totals.points[accrual.currency] = try before.adding(accrual.total)
        }
    }
}
