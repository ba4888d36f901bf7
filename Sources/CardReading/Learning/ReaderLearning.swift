public import LoyaltyModel

/// Leads through learning a reader: says what to present next, judges what came, and works out the reader at the end. Pure.
///
/// The same card three times, another card, then a product; a stripe reader gets no product. It holds card numbers while it
/// lives and gives none out.
public struct ReaderLearning: Sendable {
    public enum Request: Sendable, Hashable {
        /// The same card, for the nth time of three.
        case card(Int)
        case otherCard
        case product
    }

    public enum Reply: Sendable, Hashable {
        /// Taken; what of it may be shown: `13 characters, …0017`.
        case took(String)
        /// Not taken, and why; the request stands.
        case refused(LearningRemark)
    }

    /// How often the first card is wanted.
    public static let repetitions = 3

    private var layouts: [KeyboardLayout]
    /// Nil once they are among `layouts`.
    private var further: (@Sendable () -> [KeyboardLayout])?
    /// What was read in place of the first card, and how often.
    private var tally: [(reading: PresentationReading, count: Int, isDoubtful: Bool)] = []
    private var other: PresentationReading?
    private var product: PresentationReading?
    private static let mostReadings = 8
    /// Fewer characters are a key that was touched, or the end of a scan.
    private static let fewestCharacters = 4

    /// - Parameters:
    ///   - layouts: those that the reader may be programmed for, the plainest first.
    ///   - further: makes others, in the same order; called once at most, where none of `layouts` makes sense of what came.
    public init(
        layouts: [KeyboardLayout] = KeyboardLayout.all, further: (@Sendable () -> [KeyboardLayout])? = nil
    ) {
        self.layouts = layouts
        self.further = further
    }

    private var count: Int { leader?.count ?? 0 }
    private var card: PresentationReading? { count < Self.repetitions ? nil : leader?.reading }

    /// nil where nothing is missing: `reader(schemeName:)` is next.
    public var request: Request? {
        if count < Self.repetitions { return .card(count + 1) }
        guard let other else { return .otherCard }
        return product == nil && !isStripe(other) ? .product : nil
    }

    /// Takes what came of one presentation.
    public mutating func receive(_ presentation: Presentation) -> Reply {
        let reply = take(presentation)
        guard case .refused(let remark) = reply, remark == .noProduct || remark == .nothingReadable,
            case .reads(let decoder) = presentation.choice(), decoder.kind == .keyboard, let widened = widen()
        else { return reply }
        return widened.remark.map { .refused($0) } ?? take(presentation)
    }

    private struct Widening { var remark: LearningRemark? }

    /// Reads all that came by further layouts too. Under one of them it may be a payment card: then it is forgotten, and that is
    /// the remark. nil where there are no such layouts.
    private mutating func widen() -> Widening? {
        guard let more = further?() else { return nil }
        further = nil
        guard !more.isEmpty else { return nil }
        layouts += more
        var remark: LearningRemark?
        func again(_ reading: PresentationReading) -> PresentationReading? {
            do throws(LearningRemark) {
                return try PresentationReading(reading.presentation, layouts: layouts)
            } catch {
                remark = error
                return nil
            }
        }
        tally = tally.compactMap { entry in
            again(entry.reading).map { (reading: $0, count: entry.count, isDoubtful: entry.isDoubtful) }
        }
        other = other.flatMap(again)
        product = product.flatMap(again)
        return Widening(remark: remark)
    }

    private mutating func take(_ presentation: Presentation) -> Reply {
        let reading: PresentationReading
        do throws(LearningRemark) {
            reading = try PresentationReading(presentation, layouts: layouts)
        } catch {
            return .refused(error)
        }
        if (content(reading)?.text.count ?? 0) < Self.fewestCharacters { return .refused(.nothingCame) }
        if hasSeveralScans(reading) { return .refused(.severalScans) }
        switch request {
        case .card: return takeCard(reading)
        case .otherCard: return takeOther(reading)
        case .product: return takeProduct(reading)
        case nil: return .refused(.nothingCame)
        }
    }

    /// Works the reader out.
    ///
    /// - Parameter schemeName: of the card scheme; the program's name, say.
    /// - Throws: `learn.incomplete`, `learn.impossible`, `cards.scheme_overlaps_payment`.
    public func reader(schemeName: String) throws(LoyaltyError) -> LearnedReader {
        guard let card, let other, request == nil else {
            throw LoyaltyError(
                .learnIncomplete, "scans are missing: \(missing)", remedy: "Scan these too, in this order")
        }
        if card.kind == .keyboard, further != nil,
            SettingSearch(cards: [card, other], product: product, layouts: layouts) == nil
        {
            var wider = self
            if wider.widen() != nil { return try wider.reader(schemeName: schemeName) }
        }
        var conclusion = ReaderConclusion(card: card, other: other, product: product, layouts: layouts)
        return try conclusion.reader(schemeName: schemeName)
    }

    private var missing: String {
        var parts: [String] = []
        let left = Self.repetitions - count
        if left > 0 { parts.append("the first card \(left) more \(left == 1 ? "time" : "times")") }
        if other == nil { parts.append("another card") }
        if product == nil { parts.append("a product") }
        return parts.joined(separator: ", ")
    }

    /// Three identical ones make the card, whatever came between: the first of all may have been half a scan.
    private mutating func takeCard(_ reading: PresentationReading) -> Reply {
        if let index = tally.firstIndex(where: { reading.isSame(as: $0.reading) }) {
            tally[index].count += 1
            return .took(shown(reading))
        }
        let leading = leader?.reading
        if tally.count == Self.mostReadings { tally.removeFirst() }
        let isDoubtful = looksLikeProduct(reading)
        tally.append((reading, 1, isDoubtful))
        if let leading { return .refused(difference(reading, leading) ?? .differentCards) }
        return isDoubtful ? .refused(.looksLikeProduct) : .took(shown(reading))
    }

    /// What was read most often; what looks like a product counts from the second time on.
    private var leader: (reading: PresentationReading, count: Int, isDoubtful: Bool)? {
        tally.filter { !$0.isDoubtful || $0.count > 1 }.max { $0.count < $1.count }
    }

    private mutating func takeOther(_ reading: PresentationReading) -> Reply {
        guard let card else { return .refused(.nothingCame) }
        if reading.isSame(as: card) { return .refused(.sameCardAgain) }
        guard isStripe(reading) == isStripe(card) else { return .refused(.otherKind) }
        if let remark = difference(reading, card), case .differs(let difference) = remark {
            // Numbers of two cards may differ in few places; readings of one differ so as well.
            if difference.cause != .misread { return .refused(remark) }
        }
        if looksLikeProduct(reading), !looksLikeProduct(card), !haveSameShape(reading, card) {
            return .refused(.looksLikeProduct)
        }
        other = reading
        return .took(shown(reading))
    }

    private mutating func takeProduct(_ reading: PresentationReading) -> Reply {
        if [card, other].contains(where: { $0?.isSame(as: reading) == true }) { return .refused(.productIsCard) }
        guard !isStripe(reading), candidates(reading).contains(where: SettingSearch.isProduct) else {
            return .refused(.noProduct)
        }
        product = reading
        return .took("a product")
    }
}

// MARK: - Judging a presentation alone

extension ReaderLearning {
    /// What the reader may have meant, under every layout, without what it adds. Where a layout makes a symbology identifier of
    /// it, only such ones count.
    private func candidates(_ reading: PresentationReading) -> [DecodedScan] {
        if let scan = reading.scan { return [scan] }
        let start = MonotonicTime(nanoseconds: 0)
        let scans = Set(reading.texts.values).compactMap { text in
            DecodedScan(characters: ScanFraming(of: [text], product: text).inner(text), completedAt: start)
        }
        let identified = scans.filter { $0.symbology != nil }
        return identified.isEmpty ? scans : identified
    }

    /// Characters under the layout that looks most like a code, without what the reader adds.
    private func content(_ reading: PresentationReading) -> DecodedScan? {
        if let scan = reading.scan { return scan }
        let setting = reading.bestSetting(layouts) ?? reading.texts.keys.first
        guard let setting, let text = reading.texts[setting] else { return nil }
        let inner = ScanFraming(of: [text], product: nil).inner(text)
        return DecodedScan(characters: inner, completedAt: MonotonicTime(nanoseconds: 0))
    }

    private func isStripe(_ reading: PresentationReading) -> Bool {
        reading.scan?.entry == .msr || candidates(reading).contains { $0.entry == .msr }
    }

    /// An EAN or UPC outside of what GS1 leaves to shops.
    private func looksLikeProduct(_ reading: PresentationReading) -> Bool {
        reading.presentation.hasRealDigits
            && candidates(reading).contains { scan in
                guard SettingSearch.isProduct(scan) else { return false }
                return CardContent(scan).map { !$0.hasInStorePrefix } ?? true
            }
    }

    private func haveSameShape(_ left: PresentationReading, _ right: PresentationReading) -> Bool {
        guard let left = content(left)?.text, let right = content(right)?.text else { return false }
        return left.count == right.count && [left, right].commonPrefix().count >= 2
    }

    private func hasSeveralScans(_ reading: PresentationReading) -> Bool {
        guard reading.scan == nil, !isStripe(reading) else { return false }
        return reading.texts.values.allSatisfy { text in
            ScanFraming(of: [text], product: nil).inner(text).contains { $0 == 0x0d || $0 == 0x0a }
        }
    }

    private func difference(_ reading: PresentationReading, _ card: PresentationReading) -> LearningRemark? {
        guard let new = content(reading)?.text, let known = content(card)?.text else { return nil }
        return CardDifference.between(known, new).map { .differs($0) }
    }

    private func shown(_ reading: PresentationReading) -> String {
        content(reading).flatMap(CardContent.init)?.shown ?? "read"
    }
}
