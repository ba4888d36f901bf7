import CardReading
import LoyaltyModel

extension FuzzEntry {
    /// The characters of a swipe, as one card of several kinds of program or of none.
    static let stripeText = FuzzEntry("stripe-text", maximumLength: 320) { input throws(BrokenPromise) in
        var source = ByteSource(input)
        let classifier = try classifier(set: source.choice(classifiers.count))
        let choices = source.byte()
        let hadEncryptedBlock = choices & 1 == 1
        let text = choices & 0x80 == 0 ? source.remaining() : source.paymentTracks()
        let scan = DecodedScan(
            text: text, entry: .msr, completedAt: MonotonicTime(nanoseconds: 0), hadEncryptedBlock: hadEncryptedBlock)
        let outcome = classifier.classify(scan)
        guard let number = accepted(outcome) else { return }
        if case .unclassified = outcome {
            try expect(!Digits.isMaestro(number), "a number of Maestro that no scheme claims")
        }
        try expect(!number.isEmpty && number.count <= 64, "a number of \(number.count) characters")
        try expect(!number.contains(UInt8(ascii: "*")), "a masked number")
        let middle = number.dropFirst(4).dropLast(4)
        let isOverwritten = hadEncryptedBlock && middle.count >= 4 && middle.allSatisfy { $0 == 48 }
        try expect(!isOverwritten, "a number whose middle the head has overwritten")
        var isCut = false
        if case .loyalty(_, let name) = outcome {
            isCut = classifier.schemes.contains { $0.name == name && $0.droppingFirst + $0.droppingLast > 0 }
        }
        // What a scheme cuts out of its cards is no number as a stripe of a bank has it: there Luhn decides.
        try expect(
            isCut ? !Digits.isPaymentCard(number) : !Digits.hasPaymentPrefix(number),
            "the number of a payment card from a stripe")
        try expect(text.contains(UInt8(ascii: "?")), "a number from a track without its end")
        try checkTracks(text)
        let blankless = text.filter { $0 != 32 }
        let sources = Digits.sources(ofArticle: number)
        try expect(
            sources.contains { contains(blankless, $0.filter { $0 != 32 }) }, "a number that stands on no track")
    }

    /// One track of a payment card refuses the whole swipe (ISO/IEC 7813: the number ends at `=`, behind format code B at `^`).
    private static func checkTracks(_ text: [UInt8]) throws(BrokenPromise) {
        let pieces = text.prefix { $0 != UInt8(ascii: "|") }.split(separator: UInt8(ascii: "?"))
        for piece in pieces {
            let track = piece.drop { !"%;+#@&".utf8.contains($0) }
            let digits: ArraySlice<UInt8>
            if track.first == UInt8(ascii: ";") {
                digits = track.dropFirst().prefix { $0 != UInt8(ascii: "=") }
            } else if track.starts(with: "%B".utf8) {
                digits = track.dropFirst(2).prefix { $0 != UInt8(ascii: "^") }
            } else {
                continue
            }
            try expect(
                !Digits.hasPaymentPrefix(digits.filter { $0 != 32 }), "a card with a payment track was let in")
        }
    }

    /// Codes and what tills and people type, judged by several sets of card schemes.
    static let classifier = FuzzEntry("classifier", maximumLength: 256) { input throws(BrokenPromise) in
        var source = ByteSource(input)
        let classifier = try classifier(&source)
        let choices = source.byte()
        let way = Int(choices % 8)
        let kind = CardIdentifierKind.allCases[source.choice(CardIdentifierKind.allCases.count)]
        let symbology = source.choice(Symbology.allCases.count + 1)
        let aim = AIMIdentifier(source.bytes(3))
        let frame = choices & 0x40 == 0 ? [] : [UInt8(ascii: "A")]
        let text =
            choices & 0x80 == 0 ? source.remaining() : frame + source.paymentCard(isChecked: true) + source.bytes(2)
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
        if way < 4, !"%;+".utf8.contains(text.first ?? 0) { try checkCode(scan, outcome, number) }
        if case .loyalty(_, let name) = outcome {
            guard let scheme = classifier.schemes.first(where: { $0.name == name }) else {
                throw BrokenPromise(description: "a card of a scheme that is not there")
            }
            try checkScheme(scheme, number, hasBlanks: text.contains(32))
        }
        try expect(!number.isEmpty && number.count <= 64, "a number of \(number.count) characters")
        try expect(number.allSatisfy { (0x20...0x7e).contains($0) }, "a number with control characters")
        var isUnclaimed = false
        if case .unclassified = outcome { isUnclaimed = true }
        for run in Digits.runs(number) where Digits.isPaymentCard(run) || (isUnclaimed && Digits.isMaestro(run)) {
            // A 13-digit number that proves itself as an article passes, a GS1 key too; a telephone number may look like an old Visa.
            let isArticle = run.count == 13 && Digits.passesGS1(run)
            let isPhone = way >= 4 && kind == .phone && run.count <= 13
            let message = way < 4 ? (try? GS1Message.read(scan)) ?? nil : (try? GS1Message(elementString: text))
            let isKey = Digits.passesGS1(run) && message?.elements.contains { contains($0.value, run) } == true
            try expect(isArticle || isPhone || isKey, "a payment card passed for a loyalty card")
        }
    }

    /// What the symbology says of the number.
    private static func checkCode(
        _ scan: DecodedScan, _ outcome: CardScan.Outcome, _ number: [UInt8]
    ) throws(BrokenPromise) {
        let aim = scan.aim?.description
        try expect(aim != "]X0" && aim != "]Z6", "the answer to a menu command passed for a card")
        if aim == "]I1" { try expect(Digits.passesGS1(scan.text), "an ITF with a wrong check digit") }
        if aim == "]A1" { try expect(Digits.passesModulo43(scan.text), "a Code 39 with a wrong check character") }
        if case .unclassified = outcome, let symbology = scan.symbology, Characters.isArticle(symbology) {
            try expect([8, 13].contains(number.count) && Digits.passesGS1(number), "an article number that is none")
        }
        if case .loyalty(_, let name) = outcome, let symbology = scan.symbology {
            let nine: Set<Symbology> = [.code128, .qr]
            try expect(
                name != "nine" || nine.contains(symbology), "a card in a symbology that its scheme does not allow")
        }
    }

    /// The number of a scheme's card is as the scheme says: length, prefix, check digit.
    private static func checkScheme(
        _ scheme: CardScheme, _ number: [UInt8], hasBlanks: Bool
    ) throws(BrokenPromise) {
        // A UPC-A is kept with the zero in front.
        let isUPC = number.count == 13 && number[0] == 48 && Digits.passesGS1(number)
        let forms = isUPC ? [number, Array(number.dropFirst())] : [number]
        let fits = forms.contains { form in
            let length = form.count + scheme.droppingFirst + scheme.droppingLast
            guard length <= scheme.lengths.upperBound, length >= scheme.lengths.lowerBound || hasBlanks else {
                return false
            }
            let isPrefixed =
                scheme.droppingFirst > 0 || hasBlanks
                || zip(scheme.prefix.utf8, form).allSatisfy { $0 == $1 }
            guard scheme.droppingLast == 0, !hasBlanks else { return isPrefixed }
            switch scheme.checkDigit {
            case .none: return isPrefixed
            case .gs1: return isPrefixed && (form == [48] || Digits.passesGS1(form))
            case .luhn: return isPrefixed && Digits.passesLuhn(form)
            case .mod97: return isPrefixed && Digits.passesModulo97(form)
            }
        }
        try expect(fits, "a card of scheme \(scheme.name) that is not as the scheme says")
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
        let shown = withoutEncodedBlanks(redacted)
        try expect(Digits.runs(shown).allSatisfy { $0.count < 7 }, "a redacted text has seven digits in a row")
        try expect(!PaymentScreen.containsPaymentCard(redacted), "a redacted text still holds a payment card")
    }

    /// A card number in any text: as printed in groups, padded, as a track, with an expiry date run into it.
    private static func checkFormatted(_ source: inout ByteSource) throws(BrokenPromise) {
        let form = source.choice(12)
        let digits = source.paymentCard(isChecked: false)
        let checked = source.paymentCard(isChecked: true)
        let written: [UInt8]
        switch form {
        // Whatever its last digit, a track makes it a card.
        case 8: written = digits + Array("=2912".utf8)
        case 9: written = digits + Array("^DOE/JANE^2912".utf8)
        case 10: written = checked + Array("2912101000".utf8)
        case 11: written = Array("00000".utf8) + checked
        default:
            let separator = Array([" ", "-", ".", "  ", " - ", "\u{a0}", "%20", "_"][form].utf8)
            let groups = stride(from: 0, to: checked.count, by: 4).map { start in
                Array(checked[start..<min(start + 4, checked.count)])
            }
            written = Array(groups.joined(separator: separator))
        }
        // Digits right before or behind it would belong to it.
        let around = source.remaining().split(separator: 0, maxSplits: 1).map { $0.filter { !Digits.isDigit($0) } }
        let text =
            (around.first ?? []) + [UInt8(ascii: ":")] + written + [UInt8(ascii: ";")]
            + (around.dropFirst().first ?? [])
        let string = String(decoding: text, as: UTF8.self)
        try expect(PaymentScreen.containsPaymentCard(string), "a card number was not found in form \(form)")
        let redacted = PaymentScreen.redacted(string)
        let shown = Digits.runs(Array(withoutEncodedBlanks(redacted).utf8).filter { !" -._".utf8.contains($0) })
        try expect(
            !shown.contains { contains($0, form == 8 || form == 9 ? digits : checked) },
            "a card number is in what is left for the log")
        try expect(form != 9 || !redacted.contains("DOE/JANE"), "the name behind a card number is left for the log")
    }

    /// Not by Character: a mark in front of `%` is one with it.
    private static func withoutEncodedBlanks(_ text: String) -> String {
        let bytes = Array(text.utf8)
        guard bytes.contains(UInt8(ascii: "%")) else { return text }
        return String(decoding: bytes.replacing("%20".utf8, with: " ".utf8), as: UTF8.self)
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
    private static let classifiers: [Result<CardClassifier, any Error>] = {
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
                CardScheme(
                    name: "nine", prefix: "95", lengths: 10...20, symbologies: [.code128, .qr], droppingLast: 2),
            ],
        ]
        return sets.map { schemes in Result { try CardClassifier(schemes: schemes) } }
    }()

    private static func classifier(set index: Int) throws(BrokenPromise) -> CardClassifier {
        guard case .success(let classifier) = classifiers[index] else {
            throw BrokenPromise(description: "set \(index) of card schemes is refused")
        }
        return classifier
    }

    /// One of the sets, or a scheme out of the input, which must be refused where it claims a network's numbers.
    private static func classifier(_ source: inout ByteSource) throws(BrokenPromise) -> CardClassifier {
        let choice = source.choice(classifiers.count + 1)
        if choice < classifiers.count { return try classifier(set: choice) }
        let prefix = source.bytes(source.choice(9)).map { 48 + $0 % 10 }
        let shortest = 1 + source.choice(24)
        let identifiers: [String?] = [nil, nil, nil, "8018", "01", "10", "255"]
        let scheme = CardScheme(
            name: "input", prefix: String(decoding: prefix, as: UTF8.self),
            lengths: shortest...(shortest + source.choice(8)),
            checkDigit: CardScheme.CheckDigit.allCases[source.choice(3)], droppingFirst: source.choice(4),
            droppingLast: source.choice(4), applicationIdentifier: identifiers[source.choice(identifiers.count)])
        guard let classifier = try? CardClassifier(schemes: [scheme]) else { return try classifier(set: 0) }
        let isKey = scheme.applicationIdentifier != nil
        for network in Digits.networks where !isKey && scheme.prefix.hasPrefix(network.prefix) {
            try expect(!scheme.lengths.contains(network.length), "a scheme that claims numbers of a payment network")
        }
        return classifier
    }
}

extension ByteSource {
    /// A number in the ranges of a network, with a valid check digit or with whatever the input says.
    fileprivate mutating func paymentCard(isChecked: Bool) -> [UInt8] {
        let (prefix, length) = Digits.networks[choice(Digits.networks.count)]
        var digits = Array(prefix.utf8)
        digits += bytes(length - digits.count).map { 48 + $0 % 10 }
        digits += [UInt8](repeating: 48, count: length - digits.count)
        guard isChecked else { return digits }
        return (UInt8(48)...57).map { digits.dropLast() + [$0] }.first(where: Digits.passesLuhn) ?? digits
    }

    /// A swipe with the number of a network's card on one of its tracks.
    fileprivate mutating func paymentTracks() -> [UInt8] {
        let form = choice(6)
        let isChecked = flag()
        let number = paymentCard(isChecked: isChecked)
        let name = bytes(4).filter { (65...90).contains($0) }
        return switch form {
        case 0: Array(";".utf8) + number + Array("?".utf8)
        case 1: Array(";".utf8) + number + Array("=2912101?".utf8)
        case 2: Array("%B".utf8) + number + Array("^".utf8) + name + Array("^2912101?".utf8)
        case 3: Array("%A".utf8) + name + Array("12345?;".utf8) + number + Array("=2912?".utf8)
        case 4: Array(";12345678?+".utf8) + number + Array("=?".utf8)
        default: Array("%".utf8) + number + Array("?;12345678?".utf8)
        }
    }
}
