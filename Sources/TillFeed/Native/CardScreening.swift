public import CardReading
public import LoyaltyModel

/// The payment screen as the till feed sees it. Everything a till sends passes through it before it becomes part of an event.
public struct CardScreening: Sendable {
    /// Judges a card value as the till wrote it. A refused value is forgotten.
    public var classify: @Sendable (String, CardIdentifierKind, CardEntry) -> PresentedCard.Value
    /// Whether a text holds a payment card number or track.
    public var containsPaymentCard: @Sendable (String) -> Bool
    /// The text without payment card numbers and tracks.
    public var redacted: @Sendable (String) -> String

    public init(
        classify: @escaping @Sendable (String, CardIdentifierKind, CardEntry) -> PresentedCard.Value,
        containsPaymentCard: @escaping @Sendable (String) -> Bool,
        redacted: @escaping @Sendable (String) -> String
    ) {
        self.classify = classify
        self.containsPaymentCard = containsPaymentCard
        self.redacted = redacted
    }

    /// The screen of the daemon, the same that judges scans.
    public init(classifier: CardClassifier) {
        self.init(
            classify: { text, kind, entry in
                switch classifier.classify(text: text, kind: kind, entry: entry) {
                case .loyalty(let number, _): .number(number)
                case .unclassified(let number): kind == .card ? .unclassified(number) : .number(number)
                case .refused(let refusal): .refused(refusal)
                }
            },
            containsPaymentCard: PaymentScreen.containsPaymentCard,
            redacted: PaymentScreen.redacted
        )
    }

    /// The text, redacted where it holds a payment card and only there: redacting masks every long number, coupons included.
    func harmless(_ text: String) -> String { containsPaymentCard(text) ? redacted(text) : text }
}
