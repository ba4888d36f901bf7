public import LoyaltyModel

/// A test of a program: who there is, what happens, and what that must come to. One `[[case]]` table
/// (docs/program-tests.md).
public struct ProgramCase: Sendable {
    public let name: String
    public let place: Place
    /// Of all amounts.
    let money: Currency
    let people: [Person]
    /// Who acts where a step names nobody; nil for a case in which no member is known.
    let actor: String?
    let steps: [Step]
}

extension ProgramCase {
    /// A member, and what is kept of him when the case begins.
    struct Person: Sendable {
        var member: Member
        var card: String?
        var tierUntil: CalendarDate?
        /// Without points; tier and counters follow from what stands below.
        var state = MemberState()
        var points: [StartingPoints] = []
        var counters: [StartingCounter] = []
        var place: Place
    }

    struct StartingPoints: Sendable {
        var currency: String
        var points: Points
        var expires: CalendarDate?
        var pendingUntil: CalendarDate?
        var earned: CalendarDate?
    }

    struct StartingCounter: Sendable {
        var name: String
        var value: DecimalNumber
        /// nil for the day of the first step.
        var day: CalendarDate?
    }

    struct Step: Sendable {
        enum Actor: Sendable {
            case usual, nobody
            case person(String)
        }

        var id: String
        var place: Place
        var time: Timestamp
        var actor: Actor
        var event: Event?
        var expectations: [Expectation]
    }

    enum Event: Sendable {
        case sale(CaseSale)
        /// Goods of an earlier step; nil for all of them.
        case returned(of: String, lines: [ReturnedLine]?)
        /// Goods without a receipt, as lines of a sale.
        case returnedUnlinked([SaleLine])
        case void(String)
        case action(LoyaltyAction)
        case book(day: String, on: CalendarDate, atTill: Bool)
        case link(partner: String, number: String)
        case choose(String)
    }

    struct ReturnedLine: Sendable {
        var line: String
        /// nil for all that is still there.
        var quantity: Quantity?
    }
}

/// A sale of a case, before points are spent in it.
struct CaseSale: Sendable {
    struct Redeeming: Sendable {
        enum Form: String, Sendable, CaseIterable { case tender, discount }
        var reward: String
        var points: DecimalNumber
        var form: Form
        var place: Place
    }

    /// The line of an earlier step that a line of this sale takes goods back of.
    struct Origin: Sendable {
        var step: String
        var line: String
    }

    var sale: Sale
    /// Pays what no tender of the sale pays.
    var rest: Tender.Kind?
    var redeeming: [Redeeming] = []
    var origins: [String: Origin] = [:]
}

extension LoyaltyError.Code {
    /// A step names something that the case does not have, or that cannot be done to it.
    public static let caseConflict = Self("case.conflict", kind: .configuration)
}
