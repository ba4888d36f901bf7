public import LoyaltyModel

/// How a reader is set up and what the cards are, worked out of a few presentations. Holds no card number, but what all cards
/// begin with.
public struct LearnedReader: Sendable, Hashable {
    /// What the technician should know.
    public struct Finding: Sendable, Hashable, Encodable {
        public enum Weight: String, Sendable, Encodable { case note, warning }

        public let weight: Weight
        public let text: String

        static func note(_ text: String) -> Finding { Finding(weight: .note, text: text) }
        static func warning(_ text: String) -> Finding { Finding(weight: .warning, text: text) }
    }

    public var kind: ReaderProtocol
    public var vendorID: UInt16
    public var productID: UInt16
    /// nil where the protocol has none.
    public var layout: KeyboardLayout?
    public var isCapsLocked = false
    /// nil where the protocol needs none.
    public var terminator: ScanTerminator?
    /// The longest silence inside a scan, where the usual one does not fit.
    public var gap: Duration?
    public var prefix: [UInt8] = []
    public var suffix: [UInt8] = []
    /// Whether the reader says what symbology it read.
    public var tellsSymbology = false
    public var symbology: Symbology?
    /// Of a stripe: where the number stands.
    public var track: Int?
    /// nil where the digits were not the real ones: they tell how the reader sends, not what the cards are.
    public var scheme: CardScheme?
    public var findings: [Finding] = []

    /// What the daemon will read this reader with.
    public var options: ReaderOptions {
        var options = ReaderOptions(prefix: prefix, suffix: suffix, isCapsLocked: isCapsLocked)
        if let layout { options.layout = layout }
        if let terminator { options.terminators = [terminator] }
        if let gap { options.gap = gap }
        if ReaderProtocol.hints.contains(kind) { options.protocolHint = kind }
        return options
    }

    /// What came of one more scan, read as it will be from now on.
    public enum Trial: Sendable, Hashable {
        /// A card of the scheme; the number prints masked.
        case card(CardNumber)
        /// Read well, but no card of the scheme.
        case other
        case refused(CardScan.Refusal)
        case nothing
    }

    public func trial(_ presentation: Presentation) -> Trial {
        guard let classifier = try? CardClassifier(schemes: scheme.map { [$0] } ?? []) else { return .nothing }
        let scans = presentation.scans(options: options)
        guard scans.count == 1, let scan = scans.first else { return .nothing }
        switch classifier.classify(scan) {
        case .loyalty(let number, _): return .card(number)
        case .unclassified: return .other
        case .refused(let refusal): return .refused(refusal)
        }
    }
}

extension LoyaltyError.Code {
    /// The presentations do not make a reader's section.
    public static let learnImpossible = Self("learn.impossible", kind: .badData)
    /// Presentations are missing.
    public static let learnIncomplete = Self("learn.incomplete", kind: .badData)
}
