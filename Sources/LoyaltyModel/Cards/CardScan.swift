/// What one scan or swipe turned out to be, after decoding and the payment screen.
public struct CardScan: Sendable {
    public enum Outcome: Sendable, Hashable {
        /// A number inside a configured loyalty scheme.
        case loyalty(CardNumber, scheme: String)
        /// A number outside every configured scheme, screened: a product, or a card that only the member cache can know.
        case unclassified(CardNumber)
        /// Refused. Nothing of the content is kept.
        case refused(Refusal)
    }

    /// Why a scan was refused; the raw value is the word in counters and answers.
    public enum Refusal: String, Sendable, Codable, CaseIterable {
        case paymentCard = "payment_card"
        case encryptedCard = "encrypted_card"
        case notALoyaltyCard = "not_a_loyalty_card"
        case unreadable
        case blocked
    }

    public let reader: ReaderID
    public let entry: CardEntry
    public let outcome: Outcome
    /// When the last byte of the scan arrived.
    public let completedAt: MonotonicTime

    public init(reader: ReaderID, entry: CardEntry, outcome: Outcome, completedAt: MonotonicTime) {
        self.reader = reader
        self.entry = entry
        self.outcome = outcome
        self.completedAt = completedAt
    }
}
