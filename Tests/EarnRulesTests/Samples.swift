import EarnRules
import LoyaltyModel

/// Short ways to write programs and sales in tests. Times are of Tuesday 2027-01-05, 16:00 UTC, unless said.
enum Sample {
    static func program(_ head: String = "", _ earn: String) throws -> Program {
        try Program.load(toml: "schema = 1\nprogram = \"t\"\n\(head)\n\(earn)\n", file: "t.toml", hash: "00")
    }

    /// One rule: 1 point per 1.00.
    static func base(_ head: String = "", _ more: String = "") throws -> Program {
        try program(head, "[[earn]]\nid = \"base\"\namount = { points = \"1\", per = \"1.00\" }\n\(more)")
    }

    static func currency(_ code: String = "GBP") throws -> Currency { try Currency(code) }

    static func line(
        _ id: String,
        _ amount: String,
        _ kind: SaleLine.Kind = .item,
        quantity: String = "1",
        department: [String] = [],
        currency: String = "GBP",
        _ change: (inout SaleLine) throws -> Void = { _ in }
    ) throws -> SaleLine {
        var line = try SaleLine(
            id: id,
            kind: kind,
            quantity: Quantity(quantity),
            amount: Money(amount, Currency(currency))
        )
        line.department = department
        try change(&line)
        return line
    }

    /// A sale whose total is the sum of its lines unless another is given.
    static func sale(
        _ lines: [SaleLine],
        total: String? = nil,
        currency: String = "GBP",
        _ change: (inout Sale) throws -> Void = { _ in }
    ) throws -> Sale {
        var sum = Money.zero(try Currency(currency))
        for line in lines where !line.voided { sum = try sum.adding(line.amount) }
        let grand = try total.map { try Money($0, Currency(currency)) } ?? sum
        var sale = Sale(
            store: "300",
            register: "30001",
            number: "17",
            currency: try Currency(currency),
            lines: lines,
            totals: SaleTotals(grand: grand)
        )
        try change(&sale)
        return sale
    }

    static func discount(_ amount: String, _ source: SaleDiscount.Source = .till) throws -> SaleDiscount {
        SaleDiscount(amount: try Money(amount, currency()), source: source)
    }

    static func tender(_ kind: Tender.Kind, _ amount: String, change: String? = nil) throws -> Tender {
        Tender(kind: kind, amount: try Money(amount, currency()), change: try change.map { try Money($0, currency()) })
    }

    static func member(_ change: (inout Member) throws -> Void = { _ in }) rethrows -> Member {
        var member = Member(id: MemberID("m-1"))
        try change(&member)
        return member
    }
}

extension Program {
    func earn(
        _ sale: Sale,
        at time: String = "2027-01-05T16:00:00Z",
        member: Member? = nil,
        state: MemberState = MemberState(),
        counters: Counters = [:]
    ) throws -> EarnResult {
        try evaluate(input(sale, at: time, member: member, state: state, counters: counters))
    }

    func input(
        _ sale: Sale, at time: String = "2027-01-05T16:00:00Z", member: Member? = nil,
        state: MemberState = MemberState(), counters: Counters = [:]
    ) throws -> EarnInput {
        let time = try Timestamp(time)
        return EarnInput(
            sale: sale, occurredAt: time, businessDay: time.date, member: member, state: state, counters: counters)
    }
}

extension EarnResult {
    /// The total of the first currency as text; `0` without one.
    var total: String { accruals.first.map { "\($0.total)" } ?? "0" }

    var shares: [String: String] {
        var shares: [String: String] = [:]
        for share in accruals.first?.lines ?? [] { shares[share.line] = "\(share.points)" }
        return shares
    }

    func step(_ rule: String) -> TraceStep? { trace.first { $0.rule == rule } }

    /// The money of each line that a rule counted.
    func basis(_ rule: String) -> [String: String] {
        var basis: [String: String] = [:]
        for line in step(rule)?.lines ?? [] where line.excluded == nil { basis[line.line] = line.basis }
        return basis
    }
}

/// A small generator (xorshift64*, Vigna 2016), so that every run sees the same cases.
struct Generator: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed == 0 ? 0x9E37_79B9_7F4A_7C15 : seed }

    mutating func next() -> UInt64 {
        state ^= state >> 12
        state ^= state << 25
        state ^= state >> 27
        return state &* 0x2545_F491_4F6C_DD1D
    }
}
