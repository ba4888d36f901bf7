internal import LoyaltyModel

/// The duplicate table of docs/till-protocol.md, as a pure function of what is known when a document arrives.
///
/// E is the event's identity (source, epoch, id); N the natural key (epoch, store, register, business day, operator,
/// number); F the fingerprint of the content.
enum DuplicateDecision: Equatable, Sendable {
    /// E or N is known with the same content: same answer, no effect.
    case duplicate
    /// E is known with other content.
    case identityConflict
    /// N is known, and this is a newer state of that sale.
    case revision(implicit: Bool)
    case new(flags: [String])

    struct KnownSale: Equatable, Sendable {
        var sameFingerprint: Bool
        var revision: Int64?
        var closedAt: Timestamp
    }

    /// - Parameters:
    ///   - sameEvent: whether E is known, and then whether its content is the same.
    ///   - natural: the latest sale under N.
    ///   - isFingerprintRecent: whether another sale of this register with the same F came within 120 s.
    static func decide(
        sameEvent: Bool?, natural: KnownSale?, revision: Int64?, closedAt: Timestamp, isFingerprintRecent: Bool
    ) -> DuplicateDecision {
        if let sameEvent { return sameEvent ? .duplicate : .identityConflict }
        if let natural {
            if natural.sameFingerprint { return .duplicate }
            if let revision, revision > natural.revision ?? 0 { return .revision(implicit: false) }
            if natural.closedAt == closedAt { return .revision(implicit: true) }
            return .new(flags: ["number_reused"])
        }
        return .new(flags: isFingerprintRecent ? ["suspected_duplicate"] : [])
    }
}
