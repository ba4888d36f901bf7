import LoyaltyModel

/// What a presentation says, while it is not known how the reader is set up: under every layout, or as it is where the
/// protocol has none.
struct PresentationReading: Sendable {
    /// How a keyboard wedge may be programmed.
    struct Setting: Sendable, Hashable {
        var layout: KeyboardLayout
        var isCapsLocked: Bool
    }

    let kind: ReaderProtocol
    let presentation: Presentation
    /// Characters with all that the reader adds. Of a reader without layouts there is one entry.
    let texts: [Setting: [UInt8]]
    /// What a reader sends that does not send bare characters.
    let scan: DecodedScan?

    /// Longer than any pause that a presentation may have inside.
    private static let verbatimGap = Duration.seconds(3600)

    /// - Throws: `learn.*`: why nothing can be learned of it.
    init(_ presentation: Presentation, layouts: [KeyboardLayout]) throws(LearningRemark) {
        switch presentation.choice() {
        case .ignored(let reason): throw .notReadable(reason)
        case .reads(let decoder): kind = decoder.kind
        }
        self.presentation = presentation
        switch kind {
        case .keyboard, .serial:
            let settings: [Setting] =
                kind == .serial
                ? [Setting(layout: .us, isCapsLocked: false)]
                : [false, true].flatMap { caps in layouts.map { Setting(layout: $0, isCapsLocked: caps) } }
            texts = Self.texts(presentation, settings)
            scan = nil
            if texts.isEmpty { throw presentation.reports.count < 4 ? .nothingCame : .nothingReadable }
        default:
            let scans = presentation.scans(options: ReaderOptions())
            guard let first = scans.first else { throw .nothingReadable }
            guard scans.allSatisfy({ $0.text == first.text }) else { throw .severalScans }
            texts = [:]
            scan = first
        }
        // Other digits may look like anything, and payment cards are none of them.
        if presentation.hasRealDigits, let remark = refusal { throw remark }
    }

    private static func texts(_ presentation: Presentation, _ settings: [Setting]) -> [Setting: [UInt8]] {
        var texts: [Setting: [UInt8]] = [:]
        for setting in settings {
            var options = ReaderOptions(
                layout: setting.layout, gap: verbatimGap, isCapsLocked: setting.isCapsLocked)
            options.isVerbatim = true
            let scans = presentation.scans(options: options)
            guard scans.count == 1, let text = scans.first?.text, text.contains(where: { $0 > 0x20 }) else { continue }
            // Without letters Caps Lock changes nothing, and need not be looked at twice.
            let plain = Setting(layout: setting.layout, isCapsLocked: false)
            if setting.isCapsLocked, texts[plain] == text { continue }
            texts[setting] = text
        }
        return texts
    }

    /// A payment card under any layout is one: no layout makes other digits of digits.
    private var refusal: LearningRemark? {
        var isEncrypted = false
        for candidate in scan.map({ [$0] }) ?? Set(texts.values).map(Self.asScan) {
            if candidate.paymentFinding == .certain { return .paymentCard }
            isEncrypted = isEncrypted || candidate.isEncryptedSwipe
        }
        return isEncrypted ? .encrypted : nil
    }

    /// For the payment screen: the tracks or the digits, whatever stands around them.
    private static func asScan(_ text: [UInt8]) -> DecodedScan {
        let start = MonotonicTime(nanoseconds: 0)
        let inner = text.drop { $0 < 0x20 && $0 != GS1Message.separator }
        let end = inner.lastIndex { $0 >= 0x20 }.map { $0 + 1 } ?? inner.endIndex
        let characters = Array(inner[inner.startIndex..<end])
        return DecodedScan(characters: characters, completedAt: start) ?? DecodedScan(text: [], completedAt: start)
    }

    /// Whether both say the same, whatever the layout.
    func isSame(as other: PresentationReading) -> Bool {
        if let scan, let theirs = other.scan { return scan.text == theirs.text && scan.entry == theirs.entry }
        return kind == other.kind && texts == other.texts
    }

    /// The setting under which it looks most like a code, where one presentation must do.
    func bestSetting(_ layouts: [KeyboardLayout]) -> Setting? {
        let plain = layouts.map { Setting(layout: $0, isCapsLocked: false) }
        return plain.filter { texts[$0] != nil }.max { Self.share(of: texts[$0]) < Self.share(of: texts[$1]) }
    }

    /// How many of a hundred characters are digits; fewer where some are beyond ASCII.
    private static func share(of text: [UInt8]?) -> Int {
        guard let text, !text.isEmpty else { return -1 }
        let digits = text.count(where: \.isASCIIDigit)
        return 100 * (digits - text.count { $0 >= 0x80 }) / text.count
    }
}

extension DecodedScan {
    /// What the payment screen says, before any scheme is known.
    var paymentFinding: PaymentScreen.Finding {
        guard entry == .msr || MagneticTracks.isTrackText(text) else {
            if let symbology, symbology.isArticleNumber, ArticleNumber.canonical(text, symbology: symbology) != nil {
                return .none
            }
            return PaymentScreen.finding(in: String(decoding: text, as: UTF8.self))
        }
        guard let tracks = MagneticTracks(text) else {
            return PaymentScreen.finding(in: String(decoding: text, as: UTF8.self))
        }
        return tracks.candidates.map { candidate in
            candidate.isNumeric
                ? PaymentScreen.finding(track: candidate.characters, isFinancial: candidate.isFinancial)
                : PaymentScreen.finding(in: String(decoding: candidate.characters, as: UTF8.self))
        }.max() ?? .none
    }
}
