import EarnRules
import LoyaltyModel
import Testing

@Suite struct Baskets {
    @Test func onlyGoodsEarnUnlessTheProgramSaysOtherwise() throws {
        let kinds: [SaleLine.Kind] = [
            .item, .weighted, .fuel, .service, .giftCard, .deposit, .fee, .donation, .tip, .rounding, .other,
        ]
        let lines = try kinds.map { try Sample.line($0.rawValue, "10.00", $0) }
        let result = try Sample.base().earn(Sample.sale(lines))
        #expect(result.shares == ["item": "10", "weighted": "10", "fuel": "10", "service": "10"])
        #expect(result.flags.isEmpty)
        let open = try Sample.base("", "exclude = { class = [\"fuel\"] }").earn(Sample.sale(lines))
        #expect(open.shares["gift_card"] == "10")
        #expect(open.shares["fuel"] == nil)
        #expect(open.shares["tip"] == nil)
        #expect(open.shares["rounding"] == nil)
    }

    @Test func sharesBasketDiscountsToTheCent() throws {
        // 1.00 off three lines of 10.00: 0.34, 0.33, 0.33; the odd cent to the earlier line.
        let lines = try ["a", "b", "c"].map { try Sample.line($0, "10.00") }
        let sale = try Sample.sale(lines, total: "29.00") { $0.discounts = [try Sample.discount("-1.00")] }
        let result = try Sample.base().earn(sale)
        #expect(result.basis("base") == ["a": "9.66", "b": "9.67", "c": "9.67"])
        #expect(result.total == "29")
        #expect(result.flags.isEmpty)
    }

    @Test func largestRemainderTakesTheOddCent() throws {
        // 1.00 off 10.00 + 5.00: 66.67 and 33.33 hundredths; the first has the larger remainder.
        let lines = try [Sample.line("a", "10.00"), Sample.line("b", "5.00")]
        let sale = try Sample.sale(lines, total: "14.00") { $0.discounts = [try Sample.discount("1.00")] }
        #expect(try Sample.base().earn(sale).basis("base") == ["a": "9.33", "b": "4.67"])
    }

    @Test func discountsFallOnGoodsNotOnGiftCards() throws {
        let lines = try [Sample.line("a", "10.00"), Sample.line("card", "50.00", .giftCard)]
        let sale = try Sample.sale(lines, total: "58.00") { $0.discounts = [try Sample.discount("2.00")] }
        #expect(try Sample.base().earn(sale).basis("base") == ["a": "8.00"])
    }

    @Test func couponsAndRewardsLowerTheBasket() throws {
        // Dierbergs: basket coupons are shared pro rata over eligible items, then points per item.
        let lines = try [
            Sample.line("a", "30.00"), Sample.line("b", "10.00"), Sample.line("coupon", "-4.00", .coupon),
            Sample.line("reward", "-2.00", .reward),
        ]
        let sale = try Sample.sale(lines)
        // 6.00 over 30 + 10: the reward takes 1.50 and 0.50, the coupon 3.00 and 1.00.
        #expect(try Sample.base().earn(sale).basis("base") == ["a": "25.50", "b": "8.50"])
        let gross = try Sample.base("basis = { coupons = \"gross\" }").earn(sale)
        #expect(gross.basis("base") == ["a": "28.50", "b": "9.50"])
        let all = try Sample.base("basis = { coupons = \"gross\", discounts = \"gross\" }").earn(sale)
        #expect(all.basis("base") == ["a": "30.00", "b": "10.00"])
        #expect(all.flags.isEmpty)
    }

    @Test func lineDiscountsCountByTheSwitch() throws {
        let line = try Sample.line("a", "7.00") {
            $0.gross = try Money("10.00", Sample.currency())
            $0.discounts = [try Sample.discount("-2.00"), try Sample.discount("1.00", .coupon)]
        }
        let sale = try Sample.sale([line])
        #expect(try Sample.base().earn(sale).total == "7")
        #expect(try Sample.base("basis = { discounts = \"gross\" }").earn(sale).total == "9")
        #expect(try Sample.base("basis = { coupons = \"gross\" }").earn(sale).total == "8")
        #expect(try Sample.base("basis = { discounts = \"gross\", coupons = \"gross\" }").earn(sale).total == "10")
    }

    // MARK: Cancelled and returned lines

    @Test func cancelledLinesCountZero() throws {
        let lines = try [
            Sample.line("1", "93.66"), Sample.line("2", "-93.66", quantity: "-1") { $0.voids = "1" },
            Sample.line("3", "5.00") { $0.voided = true }, Sample.line("4", "12.00"),
        ]
        let result = try Sample.base().earn(Sample.sale(lines, total: "12.00"))
        #expect(result.shares == ["4": "12"])
        #expect(result.flags.isEmpty)
        let reasons = result.step("basket")?.lines.map(\.excluded)
        #expect(reasons == ["cancelled by line 2", "cancels line 1", "voided", nil])
    }

    @Test func aPartialCancellationLeavesTheRest() throws {
        let lines = try [
            Sample.line("1", "30.00", quantity: "3"), Sample.line("2", "-10.00", quantity: "-1") { $0.voids = "1" },
        ]
        let result = try Sample.base().earn(Sample.sale(lines))
        #expect(result.shares == ["1": "20"])
        #expect(result.flags.isEmpty)
    }

    @Test func aCancelledCancellationLeavesTheLine() throws {
        let lines = try [
            Sample.line("1", "10.00"), Sample.line("2", "-10.00", quantity: "-1") { $0.voids = "1" },
            Sample.line("3", "10.00") { $0.voids = "2" },
        ]
        #expect(try Sample.base().earn(Sample.sale(lines)).shares == ["1": "10"])
    }

    @Test func aCancellationThatNamesNoLineNetsPerProduct() throws {
        let code = ProductCode(value: "4011", scheme: .plu)
        let lines = try [
            Sample.line("1", "3.00") { $0.code = code }, Sample.line("2", "8.00"),
            Sample.line("3", "-3.00", quantity: "-1") {
                $0.code = code; $0.voids = "99"
            },
        ]
        let result = try Sample.base().earn(Sample.sale(lines))
        #expect(result.shares == ["2": "8"])
        #expect(result.flags.isEmpty)
        let stray = try Sample.line("3", "-3.00", quantity: "-1") { $0.voids = "99" }
        let flagged = try Sample.base().earn(Sample.sale([Sample.line("2", "8.00"), stray], total: "8.00"))
        #expect(flagged.flags == ["void_without_partner"])
        #expect(flagged.total == "8")
    }

    @Test func returnsAreLeftToTheLedger() throws {
        // An exchange: 50.00 sold, 30.00 back, 20.00 paid. The sold goods earn in full, the return is taken back apart.
        let lines = try [Sample.line("1", "50.00"), Sample.line("2", "-30.00", quantity: "-2")]
        let sale = try Sample.sale(lines) { $0.kind = .exchange }
        let program = try Sample.base()
        let result = try program.earn(sale)
        #expect(result.shares == ["1": "50"])
        #expect(result.flags.isEmpty)
        #expect(result.step("base")?.lines.last?.excluded == "return")
        #expect(program.returnLines(of: sale).map(\.id) == ["2"])
    }

    @Test func returnLinesSkipCancelledOnesAndCoupons() throws {
        let lines = try [
            Sample.line("1", "-5.00", quantity: "-1"), Sample.line("2", "5.00") { $0.voids = "1" },
            Sample.line("3", "-9.00", quantity: "-3"), Sample.line("4", "3.00") { $0.voids = "3" },
            Sample.line("5", "-1.00", .coupon, quantity: "-1"), Sample.line("6", "4.00"),
            Sample.line("7", "2.00") { $0.returned = ReturnReference() },
        ]
        let returned = try Sample.base().returnLines(of: Sample.sale(lines))
        #expect(returned.map(\.id) == ["3", "7"])
        #expect(returned.first?.amount.amountText == "-6.00")
        #expect(try returned.first?.quantity == Quantity("-2"))
    }

    @Test func theTillsHintExcludes() throws {
        let lines = try [Sample.line("1", "5.00") { $0.earn = .exclude }, Sample.line("2", "3.00")]
        #expect(try Sample.base().earn(Sample.sale(lines)).shares == ["2": "3"])
    }

    // MARK: Totals

    @Test func theTotalCapsWhatEarns() throws {
        // Lines say 100.00, the customer paid 60.00.
        let lines = try [Sample.line("1", "75.00"), Sample.line("2", "25.00")]
        let result = try Sample.base().earn(Sample.sale(lines, total: "60.00"))
        #expect(result.flags == ["totals_mismatch"])
        #expect(result.shares == ["1": "45", "2": "15"])
        // The other way round the lines stand, with the flag.
        let more = try Sample.base().earn(Sample.sale(lines, total: "120.00"))
        #expect(more.flags == ["totals_mismatch"])
        #expect(more.total == "100")
    }

    @Test func depositsBroughtBackAreNotADiscount() throws {
        let lines = try [Sample.line("1", "10.00"), Sample.line("2", "-2.50", .depositReturn, quantity: "-10")]
        let result = try Sample.base().earn(Sample.sale(lines))
        #expect(result.total == "10")
        #expect(result.flags.isEmpty)
    }

    @Test func taxOnTopIsNoMismatch() throws {
        let sale = try Sample.sale([Sample.line("1", "10.00")], total: "10.83") {
            $0.pricesIncludeTax = false
            $0.taxes = [SaleTax(amount: try Money("0.83", Sample.currency()))]
        }
        let result = try Sample.base().earn(sale)
        #expect(result.flags.isEmpty)
        #expect(result.total == "10")
        #expect(try Sample.base("basis = { tax = \"exclude\" }").earn(sale).total == "10")
        let included = try Sample.base("currency = { p = { decimals = 2 } }\nbasis = { tax = \"include\" }").earn(sale)
        #expect(included.total == "10.83")
        #expect(included.flags == ["tax_estimated"])
    }

    @Test func taxComesOutOfPricesThatContainIt() throws {
        // 12.00 with 20 % inside is 10.00; with 3.00 off the basket, 9.00 is 7.50.
        let line = try Sample.line("1", "12.00") {
            $0.taxes = [SaleTax(amount: try Money("2.00", Sample.currency()), percent: try DecimalNumber("20"))]
        }
        let program = try Sample.base("basis = { tax = \"exclude\" }")
        let sale = try Sample.sale([line]) { $0.pricesIncludeTax = true }
        #expect(try program.earn(sale).basis("base") == ["1": "10.00"])
        let reduced = try Sample.sale([line], total: "9.00") {
            $0.pricesIncludeTax = true
            $0.discounts = [try Sample.discount("3.00")]
        }
        #expect(try program.earn(reduced).basis("base") == ["1": "7.50"])
        #expect(try Sample.base("basis = { tax = \"include\" }").earn(reduced).basis("base") == ["1": "9.00"])
    }

    @Test func taxOfTheSaleIsSharedWhereLinesNameNone() throws {
        // 3.00 of tax in 12.00 + 6.00: 2.00 and 1.00.
        let lines = try [Sample.line("1", "12.00"), Sample.line("2", "6.00")]
        let sale = try Sample.sale(lines) {
            $0.pricesIncludeTax = true
            $0.taxes = [SaleTax(amount: try Money("3.00", Sample.currency()))]
        }
        let result = try Sample.base("basis = { tax = \"exclude\" }").earn(sale)
        #expect(result.basis("base") == ["1": "10.00", "2": "5.00"])
        #expect(result.flags == ["tax_estimated"])
    }

    // MARK: Tenders

    @Test func whatPointsPayDoesNotEarn() throws {
        // Goods 10.00 and a gift card 20.00; 15.00 of 30.00 paid with points: half of the goods count.
        let lines = try [Sample.line("1", "10.00"), Sample.line("2", "20.00", .giftCard)]
        let sale = try Sample.sale(lines) {
            $0.tenders = [try Sample.tender(.points, "15.00"), try Sample.tender(.cash, "20.00", change: "5.00")]
        }
        let program = try Sample.base("", "exclude_tender = [\"points\", \"gift_card\"]")
        #expect(try program.earn(sale).total == "5")
        #expect(try Sample.base().earn(sale).total == "10")
    }

    @Test func tenderPartsAreSharedToTheCent() throws {
        // 10.00 of 30.00 paid by gift card: 3.34, 3.33 and 3.33 do not count.
        let lines = try ["a", "b", "c"].map { try Sample.line($0, "10.00") }
        let sale = try Sample.sale(lines) { $0.tenders = [try Sample.tender(.giftCard, "10.00")] }
        let result = try Sample.base("", "exclude_tender = [\"gift_card\"]").earn(sale)
        #expect(result.basis("base") == ["a": "6.66", "b": "6.67", "c": "6.67"])
        let paid = try Sample.sale(lines) { $0.tenders = [try Sample.tender(.giftCard, "50.00", change: "20.00")] }
        #expect(try Sample.base("", "exclude_tender = [\"gift_card\"]").earn(paid).total == "0")
    }

    @Test func aTenderPaysTaxToo() throws {
        // 10.00 + 2.00 tax, half of 12.00 by gift card: half of the 10.00 counts.
        let sale = try Sample.sale([Sample.line("1", "10.00")], total: "12.00") {
            $0.pricesIncludeTax = false
            $0.taxes = [SaleTax(amount: try Money("2.00", Sample.currency()))]
            $0.tenders = [try Sample.tender(.giftCard, "6.00"), try Sample.tender(.card, "6.00")]
        }
        #expect(try Sample.base("", "exclude_tender = [\"gift_card\"]").earn(sale).total == "5")
    }
}
