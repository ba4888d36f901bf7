import LoyaltyModel

/// Finds the layout under which all presentations make sense together, and what the reader puts around its codes.
struct SettingSearch {
    /// One way to read them all.
    struct Fit {
        var setting: PresentationReading.Setting
        var framing: ScanFraming
        var cards: [DecodedScan]
        var product: DecodedScan?
        fileprivate var score: Int

        /// Of a reader that has no layout and puts nothing around its codes.
        init(cards: [DecodedScan], product: DecodedScan?) {
            setting = PresentationReading.Setting(layout: .us, isCapsLocked: false)
            framing = ScanFraming(of: [], product: nil)
            (self.cards, self.product, score) = (cards, product, 0)
        }

        fileprivate init(
            setting: PresentationReading.Setting, framing: ScanFraming, cards: [DecodedScan], product: DecodedScan?
        ) {
            (self.setting, self.framing, self.cards, self.product) = (setting, framing, cards, product)
            score = 0
        }

        fileprivate func agrees(with other: Fit) -> Bool {
            cards.map(\.text) == other.cards.map(\.text) && product?.text == other.product?.text
        }
    }

    /// The best one, the plainest first.
    let best: Fit
    /// Layouts that read the same.
    let equals: [KeyboardLayout]
    /// Layouts that fit as well and read something else.
    let rivals: [KeyboardLayout]

    /// - Returns: nil where no layout makes sense of it.
    init?(cards: [PresentationReading], product: PresentationReading?, layouts: [KeyboardLayout]) {
        let settings = [false, true].flatMap { caps in
            layouts.map { PresentationReading.Setting(layout: $0, isCapsLocked: caps) }
        }
        let fits = settings.compactMap { Self.fit($0, cards, product) }
        guard let top = fits.map(\.score).max(), let best = fits.first(where: { $0.score == top }) else { return nil }
        self.best = best
        let others = fits.filter { $0.score == top && $0.setting != best.setting && !$0.setting.isCapsLocked }
        equals = others.filter { $0.agrees(with: best) }.map(\.setting.layout)
        rivals = others.filter { !$0.agrees(with: best) }.map(\.setting.layout)
    }

    private static func fit(
        _ setting: PresentationReading.Setting, _ cards: [PresentationReading], _ product: PresentationReading?
    ) -> Fit? {
        let all = cards + (product.map { [$0] } ?? [])
        let texts = all.compactMap { $0.text(setting) }
        guard texts.count == all.count else { return nil }
        let framing = ScanFraming(of: texts, product: product == nil ? nil : texts.last)
        let start = MonotonicTime(nanoseconds: 0)
        let scans = texts.compactMap { DecodedScan(characters: framing.inner($0), completedAt: start) }
        guard scans.count == all.count else { return nil }
        var fit = Fit(
            setting: setting, framing: framing, cards: Array(scans.prefix(cards.count)),
            product: product == nil ? nil : scans.last)
        for card in fit.cards {
            guard let score = score(card) else { return nil }
            fit.score += score
        }
        if let product = fit.product {
            guard isProduct(product) else { return nil }
            if product.symbology?.isArticleNumber == true { fit.score += 4 }
        }
        return fit
    }

    /// Whether a scan is a product's: an EAN or UPC, perhaps with a letter of the reader around it.
    static func isProduct(_ scan: DecodedScan) -> Bool {
        guard scan.entry != .msr else { return false }
        guard let symbology = scan.symbology, symbology != .other else {
            return ScanFraming.around(scan.text) != nil
        }
        return ArticleNumber.canonical(scan.text, symbology: symbology) != nil
    }

    /// How much speaks for the reading of a card; nil where it has characters that no card has.
    private static func score(_ card: DecodedScan) -> Int? {
        let isPrintable = card.text.allSatisfy { (0x20...0x7e).contains($0) || $0 == GS1Message.separator }
        guard isPrintable, !card.text.isEmpty else { return nil }
        let hasSmallLetters = card.text.contains { (0x61...0x7a).contains($0) }
        guard card.entry != .msr else {
            // Tracks have no small letters (ISO/IEC 7811-2).
            let isNumeric = MagneticTracks(card.text)?.candidates.first?.isNumeric == true
            return 4 + (isNumeric ? 1 : 0) - (hasSmallLetters ? 2 : 0)
        }
        var score = 0
        if let symbology = card.symbology { score += symbology == .other ? 0 : 2 }
        if let message = try? GS1Message.read(card), card.aim != nil || message.isDigitalLink { score += 2 }
        // Plain Code 39 has none either; full ASCII says so.
        if card.symbology == .code39, hasSmallLetters, (card.aim?.modifier ?? 0) < UInt8(ascii: "4") { score -= 2 }
        return score
    }
}

extension PresentationReading {
    /// What it says under a setting, with all that the reader adds.
    func text(_ setting: Setting) -> [UInt8]? {
        if let text = texts[setting] { return text }
        guard setting.isCapsLocked else { return nil }
        return texts[Setting(layout: setting.layout, isCapsLocked: false)]
    }
}
