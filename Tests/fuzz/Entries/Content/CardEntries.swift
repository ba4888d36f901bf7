import CardReading
import LoyaltyModel

extension FuzzEntry {
    /// The characters of a swipe, as one card of several kinds of program or of none.
    static let stripeText = FuzzEntry("stripe-text", maximumLength: 320) { input throws(BrokenPromise) in
        var source = ByteSource(input)
        let classifier = classifiers[source.choice(classifiers.count)]
        let hadEncryptedBlock = source.flag()
        let text = source.remaining()
        let scan = DecodedScan(
            text: text, entry: .msr, completedAt: MonotonicTime(nanoseconds: 0), hadEncryptedBlock: hadEncryptedBlock)
        guard let number = accepted(classifier.classify(scan)) else { return }
        try expect(!number.isEmpty && number.count <= 64, "a number of \(number.count) characters")
        try expect(!number.contains(UInt8(ascii: "*")), "a masked number")
        try expect(!Digits.hasPaymentPrefix(number), "the number of a payment card from a stripe")
        try expect(text.contains(UInt8(ascii: "?")), "a number from a track without its end")
        let blankless = text.filter { $0 != 32 }
        let sources = Digits.sources(ofArticle: number)
        try expect(
            sources.contains { contains(blankless, $0.filter { $0 != 32 }) }, "a number that stands on no track")
    }

    /// Codes and what tills and people type, judged by several sets of card schemes.
    static let classifier = FuzzEntry("classifier", maximumLength: 256) { input throws(BrokenPromise) in
        var source = ByteSource(input)
        let classifier = try classifier(&source)
        let way = source.choice(8)
        let kind = CardIdentifierKind.allCases[source.choice(CardIdentifierKind.allCases.count)]
        let symbology = source.choice(Symbology.allCases.count + 1)
        let aim = AIMIdentifier(source.bytes(3))
        let text = source.remaining()
        let scan = DecodedScan(
            text: text, symbology: aim?.symbology ?? (symbology == 0 ? nil : Symbology.allCases[symbology - 1]),
            aim: aim, completedAt: MonotonicTime(nanoseconds: 0))
        let outcome: CardScan.Outcome
        if way < 4 {
            outcome = classifier.classify(scan)
        } else {
            let entry = CardEntry.allCases[way % CardEntry.allCases.count]
            outcome = classifier.classify(text: String(decoding: text, as: UTF8.self), kind: kind, entry: entry)
        }
        guard let number = accepted(outcome) else { return }
        try expect(!number.isEmpty && number.count <= 64, "a number of \(number.count) characters")
        try expect(number.allSatisfy { (0x20...0x7e).contains($0) }, "a number with control characters")
        for run in Digits.runs(number) where Digits.isPaymentCard(run) {
            // A 13-digit number that proves itself as an article passes, a GS1 key too; a telephone number may look like an old Visa.
            let isArticle = run.count == 13 && Digits.passesGS1(run)
            let isPhone = way >= 4 && kind == .phone && run.count == 13
            let message = way < 4 ? (try? GS1Message.read(scan)) ?? nil : (try? GS1Message(elementString: text))
            let isKey = Digits.passesGS1(run) && message?.elements.contains { contains($0.value, run) } == true
            try expect(isArticle || isPhone || isKey, "a payment card passed for a loyalty card")
        }
    }

    /// The search for payment cards in any text, and what is left of a text for logs and quarantine.
    static let paymentScreen = FuzzEntry("payment-screen", maximumLength: 256) { input throws(BrokenPromise) in
        var source = ByteSource(input)
        if source.flag() { return try checkFormatted(&source) }
        let bytes = source.remaining()
        let text = String(decoding: bytes, as: UTF8.self)
        let isFound = PaymentScreen.containsPaymentCard(text)
        for run in Digits.runs(text) where Digits.isPaymentCard(run) {
            let isArticle = run.count == 13 && Digits.passesGS1(run)
            try expect(isFound || isArticle, "a payment card was not found")
        }
        let redacted = PaymentScreen.redacted(text)
        // The digits of `%20` are a blank of a URL.
        let shown = redacted.utf8.contains(UInt8(ascii: "%")) ? redacted.replacing("%20", with: " ") : redacted
        try expect(Digits.runs(shown).allSatisfy { $0.count < 7 }, "a redacted text has seven digits in a row")
        try expect(!PaymentScreen.containsPaymentCard(redacted), "a redacted text still holds a payment card")
    }

    /// A card number printed in groups of four, in any text.
    private static func checkFormatted(_ source: inout ByteSource) throws(BrokenPromise) {
        let prefixes = ["4", "51", "2221", "6011", "65", "3528", "36", "62"]
        var digits = Array(prefixes[source.choice(prefixes.count)].utf8)
        let separator = Array([" ", "-", ".", "  ", " - ", "\u{a0}"][source.choice(6)].utf8)
        digits += source.bytes(15 - digits.count).map { 48 + $0 % 10 }
        digits += [UInt8](repeating: 48, count: 15 - digits.count)
        for check in UInt8(48)...57 where Digits.passesLuhn(digits + [check]) {
            digits.append(check)
            break
        }
        let groups = [digits[0..<4], digits[4..<8], digits[8..<12], digits[12..<16]]
        let printed = Array(groups.map { Array($0) }.joined(separator: separator))
        // Digits right before it would belong to it.
        let around = source.remaining().split(separator: 0, maxSplits: 1).map { $0.filter { !Digits.isDigit($0) } }
        let text =
            (around.first ?? []) + [UInt8(ascii: ":")] + printed + [UInt8(ascii: ";")]
            + (around.dropFirst().first ?? [])
        try expect(
            PaymentScreen.containsPaymentCard(String(decoding: text, as: UTF8.self)),
            "a printed card number was not found")
    }

    private static func accepted(_ outcome: CardScan.Outcome) -> [UInt8]? {
        switch outcome {
        case .loyalty(let number, _), .unclassified(let number): Array(number.value.utf8)
        case .refused: nil
        }
    }

    static func contains(_ bytes: [UInt8], _ part: [UInt8]) -> Bool {
        guard bytes.count >= part.count else { return false }
        return (0...(bytes.count - part.count)).contains { bytes[$0..<$0 + part.count].elementsEqual(part) }
    }

    /// None; an EAN program, a Code 128 program in the range that is shared with Maestro and GSRN; cards with a part cut off.
    private static let classifiers: [CardClassifier] = {
        let sets: [[CardScheme]] = [
            [],
            [
                CardScheme(name: "ean", prefix: "298", lengths: 13...13, checkDigit: .gs1),
                CardScheme(name: "shared", prefix: "636412", lengths: 16...19, checkDigit: .luhn),
                CardScheme(
                    name: "gsrn", prefix: "95", lengths: 18...18, checkDigit: .gs1, applicationIdentifier: "8018"),
            ],
            [
                CardScheme(name: "framed", prefix: "A", lengths: 8...24, droppingFirst: 1, droppingLast: 1),
                CardScheme(name: "any", prefix: "", lengths: 1...7),
                CardScheme(name: "nine", prefix: "9", lengths: 10...20, symbologies: [.code128, .qr], droppingLast: 2),
            ],
        ]
        return sets.compactMap { try? CardClassifier(schemes: $0) }
    }()

    /// One of the sets, or a scheme out of the input, which must be refused where it claims a network's numbers.
    private static func classifier(_ source: inout ByteSource) throws(BrokenPromise) -> CardClassifier {
        let choice = source.choice(classifiers.count + 1)
        if choice < classifiers.count { return classifiers[choice] }
        let prefix = source.bytes(source.choice(9)).map { 48 + $0 % 10 }
        let shortest = 1 + source.choice(24)
        let identifiers: [String?] = [nil, nil, nil, "8018", "01", "10", "255"]
        let scheme = CardScheme(
            name: "input", prefix: String(decoding: prefix, as: UTF8.self),
            lengths: shortest...(shortest + source.choice(8)),
            checkDigit: CardScheme.CheckDigit.allCases[source.choice(3)], droppingFirst: source.choice(4),
            droppingLast: source.choice(4), applicationIdentifier: identifiers[source.choice(identifiers.count)])
        guard let classifier = try? CardClassifier(schemes: [scheme]) else { return classifiers[0] }
        return classifier
    }
}
