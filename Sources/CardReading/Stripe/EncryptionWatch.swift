import LoyaltyModel

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
