public import LoyaltyModel

/// A loyalty program's numbers, as the operator configures them.
///
/// Prefix and length are those of the number as it stands in the code or on the track, before `droppingFirst` and
/// `droppingLast`. A UPC-A may be described by its 12 digits or by the 13 with a leading zero.
public struct CardScheme: Sendable, Hashable {
    public enum CheckDigit: String, Sendable, Codable, CaseIterable {
        case none
        /// GS1 mod 10, as in EAN, UPC, GSRN.
        case gs1
        case luhn
        /// ISO/IEC 7064 MOD 97-10: two digits at the end, and the whole number leaves 1 when divided by 97.
        case mod97
    }

    public var name: String
    public var prefix: String
    /// In characters, prefix and check digit included.
    public var lengths: ClosedRange<Int>
    /// Verified after `droppingFirst` and before `droppingLast`.
    public var checkDigit: CheckDigit
    /// Symbologies that may carry the card; empty means any. Says nothing about stripes, nor about readers that do not tell.
    public var symbologies: Set<Symbology>
    /// Characters in front that are no part of the member's number.
    public var droppingFirst: Int
    /// Characters at the end that are no part of the member's number.
    public var droppingLast: Int
    /// The GS1 application identifier that the number is the value of, such as `8018`; prefix and length are then those of the
    /// value. Only GS1 element strings and Digital Links carry it. nil: the number is what the code holds.
    public var applicationIdentifier: String?

    public init(
        name: String,
        prefix: String,
        lengths: ClosedRange<Int>,
        checkDigit: CheckDigit = .none,
        symbologies: Set<Symbology> = [],
        droppingFirst: Int = 0,
        droppingLast: Int = 0,
        applicationIdentifier: String? = nil
    ) {
        self.name = name
        self.prefix = prefix
        self.lengths = lengths
        self.checkDigit = checkDigit
        self.symbologies = symbologies
        self.droppingFirst = droppingFirst
        self.droppingLast = droppingLast
        self.applicationIdentifier = applicationIdentifier
    }

    /// The lengths that values of a GS1 application identifier may have; nil where GS1 assigns no such identifier.
    public static func lengths(ofApplicationIdentifier code: String) -> ClosedRange<Int>? {
        ApplicationIdentifier.of(code)?.lengths.clamped(to: 1...CardNumber.maximumLength)
    }

    /// Checks the scheme against itself and against the ranges of payment cards.
    ///
    /// - Returns: what the operator should know: ranges shared with Maestro, or with coupons and weighed goods.
    /// - Throws: `cards.scheme_overlaps_payment` where a payment network owns numbers of the scheme, `cards.bad_scheme` where
    ///   the scheme can match nothing.
    @discardableResult
    public func validate() throws(LoyaltyError) -> [String] {
        try validateShape()
        if let applicationIdentifier, ApplicationIdentifier.of(applicationIdentifier)?.isCheckedKey == true {
            return []
        }
        guard !isArticleNumberOnly else { return inStoreWarnings }
        switch overlap {
        case .certain:
            throw LoyaltyError(
                .schemeOverlapsPayment,
                "card scheme \"\(name)\" claims numbers that belong to a payment network",
                remedy: "give the exact prefix and length of the loyalty cards")
        case .contested:
            let warning =
                "card scheme \"\(name)\" shares its range with payment cards (Maestro and others): keep the prefix long"
            return [warning] + inStoreWarnings
        case .none:
            return inStoreWarnings
        }
    }

    private func validateShape() throws(LoyaltyError) {
        let problem: String? =
            if name.isEmpty {
                "has no name"
            } else if lengths.lowerBound < 1 || lengths.upperBound > CardNumber.maximumLength {
                "has lengths outside 1 to \(CardNumber.maximumLength)"
            } else if prefix.utf8.count > lengths.lowerBound {
                "has a prefix longer than its numbers"
            } else if !prefix.utf8.allSatisfy({ (0x20...0x7e).contains($0) }) {
                "has a prefix outside printable ASCII"
            } else if droppingFirst < 0 || droppingLast < 0
                || droppingFirst > lengths.lowerBound || droppingLast >= lengths.lowerBound - droppingFirst
            {
                "drops all characters of its numbers"
            } else {
                applicationIdentifierProblem
            }
        if let problem { throw LoyaltyError(.badScheme, "card scheme \"\(name)\" \(problem)") }
    }

    private var applicationIdentifierProblem: String? {
        guard let code = applicationIdentifier else { return nil }
        guard let allowed = Self.lengths(ofApplicationIdentifier: code) else {
            return "names \"\(code)\", which is no GS1 application identifier"
        }
        return lengths.overlaps(allowed) ? nil : "has lengths that application identifier (\(code)) does not allow"
    }

    /// Whether every number of the scheme is an EAN or UPC, which are never payment cards.
    private var isArticleNumberOnly: Bool {
        if !symbologies.isEmpty, symbologies.allSatisfy(\.isArticleNumber) { return true }
        let articleLengths: Set = [8, 12, 13]
        return checkDigit == .gs1 && droppingFirst == 0 && lengths.allSatisfy { articleLengths.contains($0) }
    }

    private var overlap: PaymentScreen.Finding {
        let digits = Array(prefix.utf8)
        guard digits.allSatisfy(\.isASCIIDigit) else { return .none }
        var worst = PaymentScreen.Finding.none
        for range in PaymentRange.byFirstDigit.joined() where Self.intersects(digits, range) {
            // Not even an unusual length of the great networks: a stripe of theirs is refused at any length.
            let owns = PaymentRange.lengths.filter {
                range.strength == .core || PaymentPrefix.contains(range.lengths, $0)
            }
            guard owns.contains(where: lengths.contains) else { continue }
            worst = max(worst, range.strength == .contested ? .contested : .certain)
        }
        return worst
    }

    /// Whether a number may begin with both the prefix and the range.
    private static func intersects(_ prefix: [UInt8], _ range: PaymentRange) -> Bool {
        let shown = prefix.prefix(range.width)
        var low = shown.reduce(0) { $0 * 10 + $1.digitValue }
        var high = low
        for _ in shown.count..<range.width {
            low *= 10
            high = high * 10 + 9
        }
        return low <= range.prefixes.upperBound && high >= range.prefixes.lowerBound
    }

    /// GS1 General Specifications 2.1.11 and 2.6: restricted circulation and coupons.
    private var inStoreWarnings: [String] {
        guard lengths.contains(13) || lengths.contains(12) else { return [] }
        if prefix.hasPrefix("05") || prefix.hasPrefix("98") || prefix.hasPrefix("99") {
            return ["card scheme \"\(name)\" shares its range with coupons"]
        }
        if prefix.utf8.count < 3, prefix.hasPrefix("02") || prefix.hasPrefix("04") || prefix.hasPrefix("2") {
            return [
                "card scheme \"\(name)\" may share its range with weighed goods: give a prefix of three digits or more"
            ]
        }
        return []
    }
}

extension LoyaltyError.Code {
    public static let schemeOverlapsPayment = Self("cards.scheme_overlaps_payment", kind: .configuration)
    public static let badScheme = Self("cards.bad_scheme", kind: .configuration)
}
