import CardReading
import LoyaltyModel
import Testing

/// Test numbers that networks and processors publish; none is a real card.
enum PublishedTestCards {
    static let all: [(network: String, number: String)] = [
        ("Visa", "4111111111111111"), ("Visa", "4012888888881881"), ("Visa", "4242424242424242"),
        ("Visa", "4000056655665556"), ("Visa", "4222222222222"), ("Visa", "4005519200000004"),
        ("Visa", "4917610000000000003"),
        ("Mastercard", "5555555555554444"), ("Mastercard", "5105105105105100"), ("Mastercard", "2223003122003222"),
        ("Mastercard", "5200828282828210"), ("Mastercard", "2223000048400011"), ("Mastercard", "2720992593319364"),
        ("American Express", "378282246310005"), ("American Express", "371449635398431"),
        ("American Express", "378734493671000"), ("American Express", "343434343434343"),
        ("Diners Club", "30569309025904"), ("Diners Club", "38520000023237"), ("Diners Club", "36227206271667"),
        ("Diners Club", "3056930009020004"), ("Diners Club", "36259600000004"),
        ("Discover", "6011111111111117"), ("Discover", "6011000990139424"), ("Discover", "6011000991300009"),
        ("Discover", "6011981111111113"), ("Discover", "6445644564456445"),
        ("JCB", "3530111333300000"), ("JCB", "3566002020360505"), ("JCB", "3566111111111113"),
        ("UnionPay", "6200000000000005"), ("UnionPay", "6200000000000000003"), ("UnionPay", "6205500000000000004"),
        ("UnionPay", "6243030000000001"), ("UnionPay", "8171999927660000"),
        ("Maestro", "6759649826438453"), ("Maestro", "6799990100000000019"), ("Maestro", "6304000000000000"),
        ("Maestro", "5018000000000009"), ("Maestro", "6771798021000008"), ("Maestro", "5000550000000029"),
        ("Dankort", "5019717010103742"), ("Mir", "2200000000000004"), ("Mir", "2201382000000013"),
        ("Elo", "6362970000457013"), ("Elo", "5066991111111118"), ("Hipercard", "6062826786276634"),
        ("Hiper", "6370950000000005"), ("Troy", "9792030394440796"), ("Verve", "5060990580000217499"),
        ("Naranja", "5895627823453005"), ("Cabal", "6035227716427021"), ("RuPay", "6074819900004939"),
        ("RuPay", "5085000000000007"), ("UATP", "135412345678911"), ("Uzcard", "8600495473316478"),
    ]
}

@Suite struct PaymentScreenTests {
    private let classifier: CardClassifier

    init() throws { classifier = try CardClassifier(schemes: []) }

    /// The vendor sample Mastercard number of MagTek 99875475 fails Luhn: a stripe must not need it.
    private static let withoutLuhn = [("Mastercard", "5452300551227189"), ("Visa", "4000000000000001")]

    @Test("A payment card is refused from a stripe", arguments: PublishedTestCards.all + withoutLuhn)
    func stripe(network: String, number: String) {
        let swipes = [
            "%B\(number)^DOE/JOHN^29122011000000000000?;\(number)=29122011000000000000?",
            "%B\(number)^DOE/JOHN^29122011000000000000?", ";\(number)=29122011000000000000?",
            ";E?+\(number)=000000000000?", "%E?;\(number)=2912201?",
        ]
        for swipe in swipes {
            let scan = DecodedScan(text: Array(swipe.utf8), entry: .msr, completedAt: .zero)
            #expect(classifier.classify(scan) == .refused(.paymentCard), "\(network): \(swipe.prefix(4))")
            #expect(classifier.classify(text: swipe, kind: .card, entry: .keyed) == .refused(.paymentCard))
            #expect(!PaymentScreen.redacted(swipe).contains("DOE"))
        }
    }

    @Test("A payment card is refused from a bar code and from the keys", arguments: PublishedTestCards.all)
    func barcode(network: String, number: String) {
        for symbology in [nil, Symbology.code128, .qr, .itf, .code39, .pdf417] {
            let scan = DecodedScan(text: Array(number.utf8), symbology: symbology, completedAt: .zero)
            #expect(classifier.classify(scan) == .refused(.paymentCard), "\(network)")
        }
        #expect(classifier.classify(text: number, kind: .card, entry: .keyed) == .refused(.paymentCard))
        #expect(classifier.classify(text: "0000" + number, kind: .card, entry: .till) == .refused(.paymentCard))
    }

    @Test("A payment card inside other text is found", arguments: PublishedTestCards.all)
    func embedded(network: String, number: String) {
        let groups = stride(from: 0, to: number.count, by: 4).map { number.dropFirst($0).prefix(4) }
        for separator in [" ", "-", " - ", "\u{a0}", "–", "%20", "+", "."] {
            let text = groups.joined(separator: separator)
            #expect(PaymentScreen.containsPaymentCard("card \(text)."), "\(network) with \(separator)")
            #expect(!PaymentScreen.redacted(text).contains { $0.isNumber && separator != "%20" })
        }
        #expect(PaymentScreen.containsPaymentCard("https://pay.example/c?pan=\(number)&exp=1229"))
        #expect(PaymentScreen.containsPaymentCard("PAN\(number)X"))
        let fullWidth = String(
            number.map { Character(Unicode.Scalar(UInt16($0.unicodeScalars.first?.value ?? 48) + 0xfee0) ?? "0") })
        #expect(PaymentScreen.containsPaymentCard(fullWidth))
    }

    @Test(
        "Groups as printed on cards are found",
        arguments: [
            "3782 822463 10005", "3056 930902 5904", "620000 0000000000003", "6799 9901 0000 0000 019",
            "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1", "411111 1111111111", "41111111 11111111",
        ])
    func groups(text: String) {
        #expect(PaymentScreen.containsPaymentCard(text))
    }

    @Test("Number and expiry run together are found")
    func runTogether() {
        #expect(PaymentScreen.containsPaymentCard("4111111111111111" + "2912"))
        #expect(PaymentScreen.containsPaymentCard("4111111111111111=2912"))
        #expect(PaymentScreen.containsPaymentCard("5452300551227189=0804"))
        #expect(PaymentScreen.containsPaymentCard("%B5452300551227189^HOGAN/PAUL      ^0804"))
    }

    @Test(
        "Article numbers, dates, prices and order numbers pass",
        arguments: [
            // EAN-13 of GS1 Germany (400-440) with valid check digits; the first three pass Luhn as well or look like Visa.
            "4006381333931", "4012345678901", "4000417025005", "5901234123457", "6957842208856",
            "036000291452", "614141000036", "96385074", "04006381333931", "6291041500213",
            "2024-05-12 10:11:12.123456", "4.99 3.50 2.00 1.20 5.00 1.00", "4111 1111 1111", "20240512101112",
            "4006381333931 3", "4111111111111112", "order 1234567", "", "%", "=", "^^^",
        ])
    func passes(text: String) {
        #expect(!PaymentScreen.containsPaymentCard(text))
    }

    @Test("Redaction leaves no long number and keeps the rest")
    func redaction() {
        #expect(PaymentScreen.redacted("member 1234567 ok") == "member ####### ok")
        #expect(PaymentScreen.redacted("member 123456 ok") == "member 123456 ok")
        #expect(PaymentScreen.redacted("12 34-56 7") == "## ##-## #")
        #expect(PaymentScreen.redacted("pay 4111.1111.1111.1111 now") == "pay ####.####.####.#### now")
        #expect(PaymentScreen.redacted("price 12.50 4.99") == "price 12.50 4.99")
        #expect(PaymentScreen.redacted("") == "")
    }

    @Test("Thirteen digits are an EAN where the check digit says so, else an old Visa number may hide in them")
    func thirteenDigits() {
        // 4222222222222 fails the GS1 check (sum 52) and passes Luhn; 4006381333931 is the other way round.
        #expect(PaymentScreen.containsPaymentCard("4222222222222"))
        #expect(
            classifier.classify(text: "4006381333931", kind: .card, entry: .scanned).number?.value == "4006381333931")
        let ean = DecodedScan(text: Array("4006381333931".utf8), symbology: .ean13, completedAt: .zero)
        #expect(classifier.classify(ean).number?.value == "4006381333931")
    }

    @Test("A telephone number is not taken for an old Visa number")
    func telephone() {
        // 4915112345678 passes Luhn and fails the GS1 check.
        #expect(classifier.classify(text: "4915112345678", kind: .card, entry: .keyed) == .refused(.paymentCard))
        #expect(
            classifier.classify(text: "4915112345678", kind: .phone, entry: .keyed).number?.value == "4915112345678")
        #expect(classifier.classify(text: "4111111111111111", kind: .phone, entry: .keyed) == .refused(.paymentCard))
    }
}

extension MonotonicTime {
    static let zero = MonotonicTime(nanoseconds: 0)
    static func milliseconds(_ count: UInt64) -> MonotonicTime { MonotonicTime(nanoseconds: count * 1_000_000) }
}

extension CardScan.Outcome {
    var number: CardNumber? {
        switch self {
        case .loyalty(let number, _), .unclassified(let number): number
        case .refused: nil
        }
    }
}
