import LoyaltyModel

/// Makes a learned reader of two cards and a product.
struct ReaderConclusion {
    private let card: PresentationReading
    private let other: PresentationReading
    private let product: PresentationReading?
    private let layouts: [KeyboardLayout]
    private var findings: [LearnedReader.Finding] = []

    /// A prefix leaves as many characters to the number.
    private static let leastNumber = 4

    init(
        card: PresentationReading, other: PresentationReading, product: PresentationReading?, layouts: [KeyboardLayout]
    ) {
        self.card = card
        self.other = other
        self.product = product
        self.layouts = layouts
    }

    /// - Throws: `learn.impossible`, `cards.scheme_overlaps_payment`.
    mutating func reader(schemeName: String) throws(LoyaltyError) -> LearnedReader {
        let facts = card.presentation.facts
        let fit = try self.fit()
        let contents = fit.cards.compactMap(CardContent.init)
        guard contents.count == 2 else {
            throw LoyaltyError(
                .learnImpossible, "one of the cards holds no number", remedy: "Use cards of the program, both alike")
        }
        var reader = LearnedReader(kind: card.kind, vendorID: facts.vendorID, productID: facts.productID)
        if [card, other].allSatisfy(\.presentation.hasRealDigits) {
            reader.scheme = try scheme(schemeName, contents, fit)
        } else {
            findings.append(
                .note(
                    "as it is set up now, the daemon does not read these cards, and gave out other digits: the card "
                        + "scheme can be learned once the reader's section is in force"))
        }
        reader.tellsSymbology = fit.cards.allSatisfy { $0.symbology != nil }
        reader.symbology = contents[0].symbology == contents[1].symbology ? contents[0].symbology : nil
        reader.track = contents[0].track
        if card.scan == nil { describe(&reader, fit) }
        noteSymbology(reader, contents)
        reader.findings = findings
        try verify(reader)
        return reader
    }

    private mutating func fit() throws(LoyaltyError) -> SettingSearch.Fit {
        if let first = card.scan, let second = other.scan {
            let isFramed = first.text.contains { $0 < 0x20 && $0 != GS1Message.separator }
            guard !isFramed else {
                throw LoyaltyError(
                    .learnImpossible, "the reader sends control characters with its codes",
                    remedy: "Switch prefix and suffix off by its manual: in this mode it needs neither")
            }
            return SettingSearch.Fit(cards: [first, second], product: product?.scan)
        }
        guard let search = SettingSearch(cards: [card, other], product: product, layouts: layouts) else {
            throw LoyaltyError(
                .learnImpossible, "no keyboard layout makes sense of all scans together",
                remedy: "Reset the reader to its defaults by its manual, or set it to USB HID POS, and learn again")
        }
        guard card.kind == .keyboard else { return search.best }
        let name = search.best.setting.layout.name
        if !search.rivals.isEmpty {
            findings.append(
                .warning(
                    "the layouts \(Self.names([search.best.setting.layout] + search.rivals)) all make sense and read "
                        + "different characters: \(name) is taken. Compare the trial with what is printed on the card"))
        } else if !search.equals.isEmpty {
            findings.append(
                .note(
                    "with these cards the layouts \(Self.names([search.best.setting.layout] + search.equals)) read the "
                        + "same: \(name) is taken"))
        }
        return search.best
    }

    private static func names(_ layouts: [KeyboardLayout]) -> String {
        let shown = layouts.prefix(6).map(\.name).joined(separator: ", ")
        return layouts.count > 6 ? shown + " and \(layouts.count - 6) more" : shown
    }
}

// MARK: - How the reader sends

extension ReaderConclusion {
    private mutating func describe(_ reader: inout LearnedReader, _ fit: SettingSearch.Fit) {
        reader.prefix = fit.framing.prefix
        reader.suffix = fit.framing.suffix
        reader.terminator = fit.framing.terminator
        if reader.kind == .keyboard {
            reader.layout = fit.setting.layout
            reader.isCapsLocked = fit.setting.isCapsLocked
            if reader.terminator == .cr, !reads(reader) {
                reader.terminator = .keypadEnter
                if !reads(reader) { reader.terminator = .cr }
            }
            noteLetters(fit)
        }
        describeGap(&reader)
        if !reader.prefix.isEmpty || !reader.suffix.isEmpty {
            findings.append(
                .note(
                    "the reader puts \(Self.count(reader.prefix)) in front of every code and \(Self.count(reader.suffix)) "
                        + "behind it: they are cut off"))
        }
    }

    private static func count(_ bytes: [UInt8]) -> String {
        switch bytes.count {
        case 0: "nothing"
        case 1: "one character"
        default: "\(bytes.count) characters"
        }
    }

    private func reads(_ reader: LearnedReader) -> Bool {
        [card, other].allSatisfy { $0.presentation.scans(options: reader.options).count == 1 }
    }

    private mutating func describeGap(_ reader: inout LearnedReader) {
        let longest = [card, other, product].compactMap { $0?.presentation.longestPause.milliseconds }.max() ?? 0
        let usual = ReaderOptions().gap.milliseconds
        if reader.terminator == ScanTerminator.none {
            // Three times what was seen, in tens; a hand needs longer than half a second for the next scan.
            let gap = min(max((longest * 3 + 9) / 10 * 10, 50), 500)
            reader.gap = .milliseconds(gap)
            findings.append(
                .warning(
                    "the reader ends its scans with nothing: \(gap) ms of silence will, and two quick scans may run "
                        + "together. Better: set a CR suffix by its manual, and learn again"))
        } else if longest * 10 >= usual * 7 {
            let gap = (longest * 2 + 9) / 10 * 10
            reader.gap = .milliseconds(gap)
            findings.append(
                .note("up to \(longest) ms pass between two characters: the reader gets \(gap) ms in place of \(usual)")
            )
        }
    }

    private mutating func noteLetters(_ fit: SettingSearch.Fit) {
        if fit.setting.isCapsLocked {
            findings.append(
                .warning(
                    "the reader types small letters for capitals, as for a machine whose Caps Lock is on: caps_lock "
                        + "turns them round. Better: switch that off by its manual, and learn again"))
            return
        }
        let letters = fit.cards.flatMap { $0.text.filter(\.isASCIILetter) }
        if fit.cards.allSatisfy({ $0.entry != .msr }), !letters.isEmpty, letters.allSatisfy({ $0 >= 0x61 }) {
            findings.append(
                .warning(
                    "all letters come small: where the card has capitals, the reader is set for Caps Lock; write "
                        + "caps_lock = true and the prefix in capitals"))
        }
    }

    private mutating func noteSymbology(_ reader: LearnedReader, _ contents: [CardContent]) {
        if let track = reader.track {
            findings.append(.note("the number stands on track \(track)"))
            return
        }
        if let symbology = reader.symbology {
            findings.append(.note("the reader says what it reads: the cards are \(symbology.rawValue)"))
        } else if !reader.tellsSymbology {
            findings.append(
                .note(
                    "the reader does not say what kind of code it read: switch on AIM identifiers by its manual, and "
                        + "learn again, where cards and products could be confused"))
        }
        if contents.contains(where: \.isDigitalLink) {
            findings.append(.note("the cards hold a GS1 Digital Link; the number is its membership number (8018)"))
        } else if contents.contains(where: { $0.applicationIdentifier != nil }) {
            findings.append(.note("the cards are GS1 codes; the number is the membership number (8018)"))
        }
    }
}

// MARK: - What the cards are

extension ReaderConclusion {
    private mutating func scheme(
        _ name: String, _ contents: [CardContent], _ fit: SettingSearch.Fit
    ) throws(LoyaltyError) -> CardScheme {
        guard contents[0].applicationIdentifier == contents[1].applicationIdentifier else {
            throw LoyaltyError(
                .learnImpossible, "one card holds a GS1 membership number and the other one does not",
                remedy: "Use two cards of one kind")
        }
        let dropped = Self.codeLetter(contents, fit)
        let numbers = contents.map(\.number)
        let lengths = numbers.map(\.count)
        let shortest = lengths.min() ?? 0
        let common = numbers.commonPrefix()
        let prefix = common.prefix(max(shortest - Self.leastNumber, 0))
        var scheme = CardScheme(
            name: name, prefix: String(decoding: prefix, as: UTF8.self),
            lengths: shortest...(max(lengths.max() ?? 0, shortest)),
            checkDigit: Self.checkDigit(numbers.map { $0.dropFirst(dropped) }), droppingFirst: dropped,
            applicationIdentifier: contents[0].applicationIdentifier)
        if let symbology = contents[0].symbology, symbology == contents[1].symbology, symbology != .other {
            scheme.symbologies = [symbology]
        }
        warn(of: prefix.count - dropped, common: common.count, lengths, contents)
        if dropped > 0 {
            findings.append(
                .note("the reader puts a letter for the kind of code in front: it is dropped from the number"))
        }
        findings += try scheme.validate().map { .warning($0) }
        return scheme
    }

    /// How many characters the reader puts in front of cards to say what kind of code they are, as it does with the product.
    private static func codeLetter(_ contents: [CardContent], _ fit: SettingSearch.Fit) -> Int {
        guard let product = fit.product, product.aim == nil, contents.allSatisfy({ $0.symbology == nil }),
            let head = ScanFraming.around(product.text)?.head, !head.isEmpty
        else { return 0 }
        let heads = contents.map { Array($0.number.prefix(head.count)) }
        let areLetters = heads.allSatisfy { $0.count == head.count && $0.allSatisfy(\.isASCIILetter) }
        return areLetters && heads[0] == heads[1] && heads[0] != head ? head.count : 0
    }

    /// The rule that both numbers keep; of several the one that is usual for their length.
    private static func checkDigit(_ numbers: [ArraySlice<UInt8>]) -> CardScheme.CheckDigit {
        let holding = [CardScheme.CheckDigit.gs1, .luhn, .mod97].filter { rule in numbers.allSatisfy(rule.holds) }
        let isGS1Length = numbers.allSatisfy { [8, 12, 13, 14, 17, 18].contains($0.count) }
        if !isGS1Length, holding.contains(.luhn) { return .luhn }
        return holding.first ?? .none
    }

    private mutating func warn(of prefix: Int, common: Int, _ lengths: [Int], _ contents: [CardContent]) {
        if lengths[0] != lengths[1] {
            findings.append(
                .warning("the cards have \(lengths[0]) and \(lengths[1]) characters: all lengths between are taken"))
        } else if common > lengths[0] - Self.leastNumber {
            findings.append(
                .warning(
                    "the two cards differ in their last \(lengths[0] - common) characters only, as those of one pack "
                        + "do: the prefix may be too long for other cards. Learn again with cards of two customers"))
        }
        if prefix < 3 {
            findings.append(
                .warning(
                    prefix < 1
                        ? "the cards have no beginning in common: every code of that length will be taken for one"
                        : "the cards have \(prefix == 1 ? "one character" : "two characters") in common at the "
                            + "beginning: other codes may begin so too"))
        }
        if contents.contains(where: \.hasInStorePrefix) {
            findings.append(
                .warning(
                    "the cards begin with 02, 04 or 20 to 29, which GS1 leaves to each shop: weighed goods, coupons "
                        + "and other shops' cards may begin so too. The whole prefix must be the program's own"))
        } else if contents.allSatisfy(\.isArticle) {
            findings.append(
                .warning(
                    "the cards have ordinary EANs: make sure that the program owns the prefix, not a maker of goods"))
        }
    }

    /// The section must read what it was made of.
    private func verify(_ reader: LearnedReader) throws(LoyaltyError) {
        for presentation in [card.presentation, other.presentation] {
            if reader.scheme == nil, presentation.scans(options: reader.options).count == 1 { continue }
            if case .card = reader.trial(presentation) { continue }
            throw LoyaltyError(
                .learnImpossible, "the section that was worked out does not read the cards",
                remedy: "Record the reader with loyaltyctl readers record, and report it")
        }
        if let product, case .card = reader.trial(product.presentation) {
            throw LoyaltyError(
                .learnImpossible, "the product would be taken for a card: it has the cards' prefix and length",
                remedy:
                    "Learn with cards that have a longer beginning in common, or switch on AIM identifiers in the "
                    + "reader where cards and products are different kinds of code")
        }
    }
}
