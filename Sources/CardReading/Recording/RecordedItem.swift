/// One thing that a recording holds, in order of time. Instants count in milliseconds from the start of the recording.
public enum RecordedItem: Sendable, Hashable {
    /// As the reader sent it, but for digits that were replaced and bytes that say nothing, which are 0.
    case report(at: Int, [UInt8])
    /// The reports since the last `scan`, `half` or `withheld` made this.
    case scan(at: Int, RecordedScan)
    /// The reports since the last `scan`, `half` or `withheld` made nothing: a scan broke off.
    case half(at: Int)
    /// Reports that are not in the recording.
    case withheld(at: Int, Withheld)
}

/// What a decoder makes of the recorded reports.
public struct RecordedScan: Sendable, Hashable {
    public var text: String
    public var symbology: String?
    public var aim: String?
    /// `scanned` or `msr`.
    public var entry: String
    /// `number`, or why it was refused, in the words of `CardScan.Refusal`.
    public var outcome: String
    /// What a card lookup would use; nil where it was refused.
    public var number: String?
    /// Whether it has the real digits.
    public var hasRealDigits: Bool
}

/// Why reports are not in a recording. The raw value is the word in it.
public enum Withheld: String, Sendable, Codable, CaseIterable {
    /// They hold a payment card, or what might be one.
    case paymentCard = "payment_card"
    case encryptedCard = "encrypted_card"
    /// No decoder knows what stands in them, so it might be anything.
    case notUnderstood = "not_understood"
    /// Their digits cannot be replaced so that they still decode.
    case notMaskable = "not_maskable"
    case tooLong = "too_long"
}

/// Whether a recording has the digits that were read.
public enum RecordedDigits: String, Sendable, Codable, CaseIterable {
    case replaced
    /// Of whole scans that may be cards of a loyalty program; half ones have theirs replaced all the same.
    case kept
}
