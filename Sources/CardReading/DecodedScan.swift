public import LoyaltyModel

/// What a reader read, decoded but not yet screened: it may hold a payment card.
///
/// Hand it to `CardClassifier` and nowhere else. Its text forms never show the content.
public struct DecodedScan: Sendable {
    /// The content without symbology identifier and terminator. An EAN or UPC with a valid check digit stands in canonical form.
    /// Characters beyond ASCII are UTF-8.
    public var text: [UInt8]
    /// nil where the reader does not tell.
    public var symbology: Symbology?
    public var aim: AIMIdentifier?
    /// `.msr` for a magnetic stripe, otherwise `.scanned`.
    public var entry: CardEntry
    /// When the last byte arrived.
    public var completedAt: MonotonicTime
    /// Whether the reader sent encrypted data behind the clear or masked tracks. That data is not kept.
    public var hadEncryptedBlock: Bool

    public init(
        text: [UInt8],
        symbology: Symbology? = nil,
        aim: AIMIdentifier? = nil,
        entry: CardEntry = .scanned,
        completedAt: MonotonicTime,
        hadEncryptedBlock: Bool = false
    ) {
        self.text = text
        self.symbology = symbology
        self.aim = aim
        self.entry = entry
        self.completedAt = completedAt
        self.hadEncryptedBlock = hadEncryptedBlock
    }
}

extension DecodedScan: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var description: String {
        "DecodedScan(\(entry.rawValue), \(symbology?.rawValue ?? "unknown symbology"))"
    }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: ["entry": entry.rawValue]) }
}

extension DecodedScan {
    /// A scan from a reader that sends the identifier, where it is switched on, in front of the data: `]E0…` or, with a
    /// vendor's letter before it, `c]E0…`. A stripe typed by a keyboard-emulating reader becomes an `.msr` scan.
    ///
    /// - Returns: nil for what is no scan: an answer to a menu command, or an identifier or a frame with nothing in it.
    init?(characters: [UInt8], completedAt: MonotonicTime) {
        if MagneticTracks.isTrackText(characters) {
            let end = characters.firstIndex(of: MagneticTracks.encryptedBlockSeparator)
            let clear = Array(characters[..<(end ?? characters.endIndex)])
            self.init(text: clear, entry: .msr, completedAt: completedAt, hadEncryptedBlock: end != nil)
            return
        }
        if let swipe = IDTechFrame.swipe(typed: characters) {
            guard !swipe.isEmpty else { return nil }
            self.init(
                text: swipe.text, entry: .msr, completedAt: completedAt, hadEncryptedBlock: swipe.hadEncryptedBlock)
            return
        }
        for skipped in 0...1 where characters.count >= skipped + 3 {
            guard skipped == 0 || characters[0].isASCIILetter,
                let aim = AIMIdentifier(characters[skipped..<skipped + 3]), aim.symbology != nil
            else { continue }
            self.init(data: Array(characters.dropFirst(skipped + 3)), aim: aim, completedAt: completedAt)
            return
        }
        self.init(text: characters, completedAt: completedAt)
    }

    /// A scan from a reader that sends the identifier beside the data.
    ///
    /// - Parameter symbology: what the reader says in words of its own; overrides the identifier where that is coarser.
    /// - Returns: nil for what is no scan: an answer to a menu command, or no data.
    init?(data: [UInt8], aim: AIMIdentifier?, symbology: Symbology? = nil, completedAt: MonotonicTime) {
        if data.isEmpty || aim?.isManagement == true { return nil }
        let symbology = symbology ?? aim?.symbology
        var text = data
        if let symbology, symbology.isArticleNumber {
            text = ArticleNumber.canonical(data, symbology: symbology) ?? data
        }
        self.init(text: text, symbology: symbology, aim: aim, completedAt: completedAt)
    }
}
