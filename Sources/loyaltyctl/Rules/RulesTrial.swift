import CardReading
import EarnRules
import LoyaltyModel
import TillFeed

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

    private enum CodingKeys: String, CodingKey {
        case line, number, total, member, accruals, flags, trace
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
    private let members: MemberDirectory
    private let decoder: TillEventDecoder

    init(program: Program, members: MemberDirectory) throws(LoyaltyError) {
        self.program = program
        self.members = members
        decoder = TillEventDecoder(screening: CardScreening(classifier: try CardClassifier(schemes: [])))
    }

    /// Nil for an event that is no finished sale.
    ///
    /// - Throws: `till.*` with line and column, `number.overflow`, `money.currency_mismatch`.
    mutating func evaluate(_ line: [UInt8], number: Int) throws(LoyaltyError) -> TriedSale? {
        guard !line.allSatisfy({ $0 == 0x20 || $0 == 0x09 }) else { return nil }
        let event: TillEvent
        do { event = try decoder.decode(line) } catch {
            throw error.error.at(
                Place(line: number, column: error.error.place?.column, path: error.error.place?.path))
        }
        guard case .sale(let verb, let sale) = event.content, verb == .complete || verb == .return, !event.training
        else {
            totals.skipped += 1
            return nil
        }
        let closed = sale.closedAt ?? event.time
        let cards = event.cards.filter(\.active)
        let member = cards.lazy.compactMap(members.member).last
        let result: EarnResult
        do throws(LoyaltyError) {
            result = try program.evaluate(
                EarnInput(
                    sale: sale, occurredAt: closed, businessDay: event.businessDay ?? program.zone.local(closed).date,
                    member: member))
        } catch { throw error.at(Place(line: number)) }
        try add(result, hasMember: member != nil)
        return TriedSale(
            line: number, number: sale.number, total: sale.totals.grand, member: member?.id.value,
            isUnknownMember: member == nil && !cards.isEmpty, accruals: result.accruals,
            returnLines: program.returnLines(of: sale).count, flags: result.flags,
            trace: result.trace)
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
