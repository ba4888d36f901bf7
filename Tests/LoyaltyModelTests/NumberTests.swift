import LoyaltyModel
import Testing

@Suite struct DecimalNumbers {
    @Test(arguments: [
        ("0", 0, 0), ("12.34", 1234, 2), ("-0.127", -127, 3), ("+5", 5, 0), ("2.990", 2990, 3),
        ("9223372036854775807", Int64.max, 0), ("-9223372036854775808", Int64.min, 0),
    ])
    func readsWhatTillsWrite(text: String, coefficient: Int64, scale: Int) throws {
        let number = try DecimalNumber(text)
        #expect(number.coefficient == coefficient)
        #expect(number.scale == scale)
    }

    @Test(arguments: ["", "-", ".", "1.", ".5", "1e3", "1,5", " 1", "1 ", "0x10", "--1", "1.2.3", "١"])
    func refusesAnythingElse(text: String) {
        #expect(throws: LoyaltyError.self) { try DecimalNumber(text) }
    }

    @Test(arguments: ["9223372036854775808", "-9223372036854775809", "0.1234567890123456789"])
    func saysWhenItDoesNotFit(text: String) {
        let error = #expect(throws: LoyaltyError.self) { try DecimalNumber(text) }
        #expect(error?.code == .numberOverflow)
    }

    @Test func comparesByValue() throws {
        #expect(try DecimalNumber("1.50") == DecimalNumber("1.5"))
        #expect(try DecimalNumber("1.50").hashValue == DecimalNumber("1.5").hashValue)
        #expect(try DecimalNumber("-2") < DecimalNumber("-1.999"))
        #expect(try DecimalNumber("0.10").description == "0.10")
        #expect(try DecimalNumber("-0.05").description == "-0.05")
    }

    @Test func addsWithoutWrapping() throws {
        #expect(try DecimalNumber("0.1").adding(DecimalNumber("0.2")) == DecimalNumber("0.3"))
        #expect(throws: LoyaltyError.self) { try DecimalNumber(.max).adding(.one) }
        #expect(throws: LoyaltyError.self) { try DecimalNumber(.min).negated() }
    }
}

@Suite struct Ratios {
    /// The table of IEEE 754 rounding directions for ±2.5 and their neighbours, halves away from zero for `half_up`.
    @Test(arguments: [
        (5, 2, RoundingMode.floor, 2), (5, 2, .ceiling, 3), (5, 2, .truncate, 2), (5, 2, .halfUp, 3),
        (5, 2, .halfDown, 2), (5, 2, .halfEven, 2), (7, 2, .halfEven, 4), (-5, 2, .floor, -3), (-5, 2, .ceiling, -2),
        (-5, 2, .truncate, -2), (-5, 2, .halfUp, -3), (-5, 2, .halfDown, -2), (-5, 2, .halfEven, -2),
        (-7, 2, .halfEven, -4), (8, 3, .halfUp, 3), (-8, 3, .halfUp, -3), (7, 3, .halfUp, 2), (-7, 3, .halfDown, -2),
    ])
    func rounds(numerator: Int, denominator: Int, mode: RoundingMode, expected: Int64) throws {
        #expect(try Ratio(Int128(numerator), over: Int128(denominator)).rounded(mode) == expected)
    }

    @Test func thirdsAddUpToOne() throws {
        let third = try Ratio(1, over: 3)
        #expect(try third.adding(third).adding(third) == .one)
        #expect(try third.divided(by: third) == .one)
    }

    @Test func overflowIsAnErrorAndNotATrap() throws {
        let large = try Ratio(Int128.max, over: 1)
        #expect(throws: LoyaltyError.self) { try large.adding(.one) }
        #expect(throws: LoyaltyError.self) { try large.multiplied(by: large) }
        #expect(throws: LoyaltyError.self) { try Ratio.one.divided(by: .zero) }
        #expect(throws: LoyaltyError.self) { try large.rounded(.floor) }
    }
}

@Suite struct MoneyAmounts {
    @Test func followsTheCurrencysMinorUnit() throws {
        #expect(try Money("12.34", Currency("GBP")).minorUnits == 1234)
        #expect(try Money("2.990", Currency("EUR")).minorUnits == 299)
        #expect(try Money("500", Currency("JPY")).minorUnits == 500)
        #expect(try Money("1.234", Currency("KWD")).minorUnits == 1234)
        #expect(try Money("-0.05", Currency("USD")).description == "-0.05 USD")
        #expect(throws: LoyaltyError.self) { try Money("0.5", Currency("JPY")) }
        #expect(throws: LoyaltyError.self) { try Money("1.005", Currency("GBP")) }
        #expect(throws: LoyaltyError.self) { try Currency("gbp") }
    }

    @Test func currenciesDoNotMix() throws {
        let error = #expect(throws: LoyaltyError.self) {
            try Money("1", Currency("GBP")).adding(Money("1", Currency("EUR")))
        }
        #expect(error?.code == .currencyMismatch)
    }
}

@Suite struct CardNumbers {
    /// 036000291452 is the UPC-A of the GS1 General Specifications; 4006381333931 an EAN-13.
    @Test(arguments: [
        ("036000291452", "0036000291452"), ("4006381333931", "4006381333931"), (" 98400001 ", "98400001"),
        ("036000291453", "036000291453"), ("AB-12", "AB-12"),
    ])
    func comesIntoOneForm(text: String, canonical: String) {
        #expect(CardNumber(text)?.value == canonical)
    }

    @Test(arguments: ["", "   ", "12\u{1d}34", "é", String(repeating: "1", count: 65)])
    func refusesWhatIsNoNumber(text: String) {
        #expect(CardNumber(text) == nil)
    }

    @Test func neverPrintsItself() throws {
        let card = try #require(CardNumber("9840012345678"))
        #expect("\(card)" == "…5678")
        #expect(String(reflecting: card) == "…5678")
        var dumped = ""
        dump(card, to: &dumped)
        #expect(!dumped.contains("98400"))
        #expect(CardNumber("12345")?.masked == "…5")
    }
}
