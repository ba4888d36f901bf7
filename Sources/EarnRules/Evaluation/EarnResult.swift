public import LoyaltyModel

/// What evaluation looks at, besides the program.
public struct EarnInput: Sendable {
    public var sale: Sale
    /// When the sale ended by the till's clock; windows look at this.
    public var occurredAt: Timestamp
    /// The till's accounting day; entitlements and birthdays look at this.
    public var businessDay: CalendarDate
    /// nil where no member is known, also for a card that the cache does not hold.
    public var member: Member?

    public init(sale: Sale, occurredAt: Timestamp, businessDay: CalendarDate, member: Member?) {
        self.sale = sale
        self.occurredAt = occurredAt
        self.businessDay = businessDay
        self.member = member
    }
}

/// What a sale earns, and why.
public struct EarnResult: Sendable, Hashable {
    /// One for each points currency in which something was earned, in the order of the file. Line shares sum to the total;
    /// lines without points are left out.
    public var accruals: [Accrual]
    /// First the lines of the sale, then each rule, then the total of each currency.
    public var trace: [TraceStep]
    /// `totals_mismatch`: lines and total of the sale disagree. `void_without_partner`: a cancellation names no line of
    /// the sale. `tax_estimated`: the basis needs tax by line and the till gave it for the sale only.
    public var flags: [String]

    public init(accruals: [Accrual], trace: [TraceStep], flags: [String]) {
        self.accruals = accruals
        self.trace = trace
        self.flags = flags
    }
}

extension Program {
    /// What a sale earns. Pure: the same input gives the same result on every machine.
    ///
    /// Lines that take goods back are left out; the ledger takes back what those goods earned (`returnLines(of:)`).
    /// The order of evaluation is that of docs/program-files.md.
    ///
    /// - Throws: `number.overflow` for amounts beyond 128-bit fractions; `money.currency_mismatch` for a line that is not
    ///   in the sale's currency.
    public func evaluate(_ input: EarnInput) throws(LoyaltyError) -> EarnResult {
        var evaluation = Evaluation(self, input, try Basket(input.sale))
        return try evaluation.run(rules)
    }
}
