import LoyaltyModel

/// Something that the operator should hear of a reader once.
public enum ReaderNotice: String, Sendable, Hashable, Codable, CaseIterable {
    /// Every swipe so far came encrypted.
    case readerEncrypting = "reader_encrypting"

    public var message: String {
        switch self {
        case .readerEncrypting: "every card that was swiped here came encrypted, so that no number could be read"
        }
    }

    public var remedy: String {
        switch self {
        case .readerEncrypting:
            "the head cannot be told from here to stop: use a model that does not encrypt, or have the reader's property "
                + "\"mask other cards\" switched off by its vendor"
        }
    }
}

/// Finds out whether all swipes of a reader come encrypted.
struct EncryptionWatch: Sendable {
    private var encryptedSwipes = 0
    private var hasEnded = false
    private var pending: ReaderNotice?

    /// One or two may be bank cards, which a head masks although it lets others through.
    static let threshold = 3

    mutating func note(_ scan: DecodedScan) {
        guard !hasEnded, scan.entry == .msr else { return }
        if scan.isEncryptedSwipe {
            encryptedSwipes += 1
            guard encryptedSwipes >= Self.threshold else { return }
            pending = .readerEncrypting
            hasEnded = true
        } else if MagneticTracks(scan.text)?.candidates.isEmpty == false {
            hasEnded = true
        }
    }

    mutating func take() -> ReaderNotice? {
        defer { pending = nil }
        return pending
    }
}

extension DecodedScan {
    /// Whether the numbers of a swipe are masked, or there is nothing but encrypted data.
    var isEncryptedSwipe: Bool {
        guard let tracks = MagneticTracks(text) else { return text.isEmpty && hadEncryptedBlock }
        return tracks.candidates.contains { $0.isMasked(hadEncryptedBlock: hadEncryptedBlock) }
    }
}
