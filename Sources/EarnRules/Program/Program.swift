public import LoyaltyModel

/// A checked program of earn rules. A value without references: evaluation is a pure function of it and its input.
public struct Program: Sendable {
    /// Something declared that this version carries but does not act upon.
    public struct Notice: Hashable, Sendable, CustomStringConvertible {
        public var message: String
        public var place: Place
        public var description: String { "\(place): \(message)" }
    }

    public let identity: ProgramIdentity
    /// The points currencies by name, with the number of decimals of each, 0...6.
    public let currencies: [String: Int]
    /// The currency named first in the file; what a receipt shows.
    public let primaryCurrency: String
    public let zone: ProgramZone
    public let returns: ReturnsPolicy
    /// In the order of the file, which is the order of evaluation within each kind.
    public let rules: [Rule]
    public let notices: [Notice]

    let currencyOrder: [String]
    let rounding: Rounding
}

/// What a program does with goods that come back. Table `returns` of the file.
public struct ReturnsPolicy: Hashable, Sendable {
    /// For a return that names no sale.
    public enum Unlinked: String, Hashable, Sendable, CaseIterable {
        /// Take back what the member's latest purchase of the product earned.
        case matchLastPurchase = "match_last_purchase"
        /// Take back what the goods would earn today (`Program.evaluateReversal`).
        case reverseByRate = "reverse_by_rate"
        case ignore
    }

    public var unlinked: Unlinked

    public init(unlinked: Unlinked = .matchLastPurchase) { self.unlinked = unlinked }
}

extension LoyaltyError.Code {
    /// `schema` is missing or names a version that this program does not know.
    public static let programSchema = Self("program.schema", kind: .configuration)
    /// The rule language has it, this version does not.
    public static let programUnsupported = Self("program.unsupported", kind: .configuration)
    public static let programDuplicateRule = Self("program.duplicate_rule", kind: .configuration)
    public static let programUnknownZone = Self("program.unknown_zone", kind: .configuration)
    public static let programUnknownCurrency = Self("program.unknown_currency", kind: .configuration)
    /// Settings that contradict each other.
    public static let programConflict = Self("program.conflict", kind: .configuration)
}
