/// The number ranges of payment cards.
///
/// Sources: braintree/credit-card-type `card-types.ts` of 2026-06-30; activemerchant `credit_card_methods.rb` for Naranja, Cabal,
/// Dankort and mada; thanushiyay/CardValidation_SPAK for RuPay; the issuer ranges of the national schemes of Uzbekistan.
struct PaymentRange: Sendable {
    enum Strength: Sendable, Hashable {
        /// Visa, Mastercard, American Express: no card of 12 to 19 digits that starts so is anything else.
        case core
        /// Assigned to a network; a loyalty scheme may not claim it.
        case named
        /// Networks and loyalty programs share these; a scheme may claim numbers by prefix and length.
        case contested
    }

    let network: String
    let prefixes: ClosedRange<Int>
    /// Digits in a prefix. No prefix starts with 0.
    let width: Int
    /// Bit n stands for a card number of n digits.
    let lengths: UInt32
    let strength: Strength
    /// Whether the network issues numbers that fail Luhn.
    let skipsLuhn: Bool

    init(
        _ network: String, _ prefixes: ClosedRange<Int>, _ lengths: ClosedRange<Int>, _ strength: Strength = .named,
        skipsLuhn: Bool = false
    ) {
        self.network = network
        self.prefixes = prefixes
        self.width = String(prefixes.lowerBound).utf8.count
        self.lengths = lengths.reduce(0) { $0 | (1 << UInt32($1)) }
        self.strength = strength
        self.skipsLuhn = skipsLuhn
    }

    static let lengths = 12...19
    static let maximumWidth = 8

    static let byFirstDigit: [[PaymentRange]] = (0...9).map { digit in
        all.filter { firstDigit($0.prefixes.lowerBound)...firstDigit($0.prefixes.upperBound) ~= digit }
    }

    private static func firstDigit(_ number: Int) -> Int {
        var number = number
        while number > 9 { number /= 10 }
        return number
    }

    private static let all: [PaymentRange] = core + national + maestro + contested

    private static let core: [PaymentRange] = [
        // 17 is no length of Visa; the core rule on stripes covers it.
        PaymentRange("Visa", 4...4, 13...13, .core), PaymentRange("Visa", 4...4, 16...16, .core),
        PaymentRange("Visa", 4...4, 18...19, .core),
        PaymentRange("Mastercard", 51...55, 16...16, .core), PaymentRange("Mastercard", 2221...2720, 16...16, .core),
        PaymentRange("American Express", 34...34, 15...15, .core),
        PaymentRange("American Express", 37...37, 15...15, .core),
        PaymentRange("Diners Club", 300...305, 14...19), PaymentRange("Diners Club", 3095...3095, 14...19),
        PaymentRange("Diners Club", 36...36, 14...19), PaymentRange("Diners Club", 38...39, 14...19),
        PaymentRange("Discover", 6011...6011, 16...19), PaymentRange("Discover", 644...649, 16...19),
        PaymentRange("Discover", 65...65, 16...19),
        PaymentRange("JCB", 3528...3589, 15...19), PaymentRange("JCB", 2131...2131, 15...19),
        PaymentRange("JCB", 1800...1800, 15...19), PaymentRange("JCB", 3088...3094, 16...19),
        PaymentRange("JCB", 3096...3102, 16...19), PaymentRange("JCB", 3112...3120, 16...19),
        PaymentRange("JCB", 3158...3159, 16...19), PaymentRange("JCB", 3337...3349, 16...19),
        PaymentRange("UnionPay", 62...62, 14...19), PaymentRange("UnionPay", 62...62, 16...19, skipsLuhn: true),
        PaymentRange("UnionPay", 810...810, 14...19),
        PaymentRange("UnionPay", 8110...8171, 14...19),
    ]

    private static let national: [PaymentRange] = [
        PaymentRange("Mir", 2200...2204, 16...19),
        PaymentRange("Elo", 627780...627780, 16...16), PaymentRange("Elo", 636297...636297, 16...16),
        PaymentRange("Elo", 636368...636368, 16...16),
        PaymentRange("Hiper", 637095...637095, 16...16), PaymentRange("Hiper", 637568...637568, 16...16),
        PaymentRange("Hiper", 637599...637599, 16...16), PaymentRange("Hiper", 637609...637609, 16...16),
        PaymentRange("Hiper", 637612...637612, 16...16), PaymentRange("Hiper", 63737423...63737423, 16...16),
        PaymentRange("Hiper", 63743358...63743358, 16...16), PaymentRange("Hipercard", 606282...606282, 16...16),
        PaymentRange("Elo, Verve", 504175...504175, 16...19), PaymentRange("Elo, Verve", 506699...506778, 16...19),
        PaymentRange("Elo, Verve", 509000...509999, 16...19), PaymentRange("Verve", 506099...506198, 16...19),
        PaymentRange("Troy", 9792...9792, 16...16), PaymentRange("mada", 968201...968209, 16...16),
        PaymentRange("Naranja", 589562...589562, 16...16, skipsLuhn: true),
        PaymentRange("Cabal", 603522...603522, 16...16),
        PaymentRange("RuPay", 508500...508999, 16...16), PaymentRange("RuPay", 606985...607984, 16...16),
        PaymentRange("RuPay", 608001...608500, 16...16), PaymentRange("RuPay", 353...353, 16...16),
        PaymentRange("RuPay", 356...356, 16...16),
        PaymentRange("Uzcard", 8600...8600, 16...16), PaymentRange("Humo", 9860...9860, 16...16),
        PaymentRange("T-Union", 31...31, 19...19), PaymentRange("Routex", 700676...700676, 16...19),
        PaymentRange("Routex", 700678...700678, 16...19),
    ]

    private static let maestro: [PaymentRange] = [
        PaymentRange("Maestro", 500000...504174, 12...19), PaymentRange("Maestro", 504176...506698, 12...19),
        PaymentRange("Maestro", 506779...508999, 12...19), PaymentRange("Maestro", 56...59, 12...19),
        PaymentRange("Maestro", 6304...6304, 12...19), PaymentRange("Maestro", 6390...6390, 12...19),
        PaymentRange("Maestro", 67...67, 12...19),
    ]

    private static let contested: [PaymentRange] = [
        PaymentRange("Maestro (any other 6)", 6...6, 12...19, .contested),
        PaymentRange("RuPay (81, 82)", 81...82, 16...16, .contested),
        PaymentRange("UATP", 1...1, 15...15, .contested),
        PaymentRange("enRoute", 2014...2014, 15...15, .contested),
        PaymentRange("enRoute", 2149...2149, 15...15, .contested),
    ]
}

/// What the first digits of a number say about it.
struct PaymentPrefix: Sendable {
    private(set) var isCore = false
    /// Lengths at which a network owns the number; bit n for n digits.
    private(set) var owned: UInt32 = 0
    /// Lengths at which it may be a payment card or a loyalty card.
    private(set) var contested: UInt32 = 0
    /// Lengths at which the owner does not use Luhn.
    private(set) var withoutLuhn: UInt32 = 0

    /// - Parameter digits: ASCII digits, the first ones of a number.
    init(_ digits: some Collection<UInt8>) {
        guard let first = digits.first else { return }
        for range in PaymentRange.byFirstDigit[first.digitValue] {
            var value = 0
            var count = 0
            for digit in digits.prefix(range.width) {
                value = value * 10 + digit.digitValue
                count += 1
            }
            guard count == range.width, range.prefixes.contains(value) else { continue }
            if range.skipsLuhn { withoutLuhn |= range.lengths }
            switch range.strength {
            case .core:
                isCore = true
                owned |= range.lengths
            case .named: owned |= range.lengths
            case .contested: contested |= range.lengths
            }
        }
    }

    func isOwned(length: Int) -> Bool { Self.contains(owned, length) }
    func skipsLuhn(length: Int) -> Bool { Self.contains(withoutLuhn, length) }
    func isContested(length: Int) -> Bool { Self.contains(contested, length) }

    static func contains(_ lengths: UInt32, _ length: Int) -> Bool {
        (0...31).contains(length) && lengths & (1 << UInt32(length)) != 0
    }
}

enum Luhn {
    /// ISO/IEC 7812-1 annex B, over ASCII digits.
    static func isValid(_ digits: some BidirectionalCollection<UInt8>) -> Bool {
        var sum = 0
        var doubles = false
        for digit in digits.reversed() {
            let value = digit.digitValue * (doubles ? 2 : 1)
            sum += value > 9 ? value - 9 : value
            doubles.toggle()
        }
        return !digits.isEmpty && sum.isMultiple(of: 10)
    }
}
