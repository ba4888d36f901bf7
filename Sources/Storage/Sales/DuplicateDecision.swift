internal import LoyaltyModel

/// The duplicate table of docs/till-protocol.md for an event that is new, as a pure function of what is known when its
/// document arrives. Events that are known (E) are decided by their digest alone.
///
/// N is the natural key (epoch, store, register, business day, operator, number); F the fingerprint of the content.
enum DuplicateDecision: Equatable, Sendable {
    /// N is known with the same content, or with a later one: same answer, no effect.
    case duplicate(of: Int64)
    /// N is known, and this is a newer state of that sale.
    case revision(of: Int64, implicit: Bool)
    case new(flags: [String])

    struct KnownSale: Equatable, Sendable {
        enum Content: Equatable, Sendable {
            case same
            /// An earlier state of the sale had it.
            case superseded
            case other
        }

        var id: Int64
        var content: Content
        var revision: Int64?
        var closedAt: Timestamp
    }

    /// - Parameters:
    ///   - natural: the sales under N, the newest first; more than one where the till used a number again.
    ///   - isFingerprintRecent: whether another sale of this register with the same F came within 120 s.
    static func decide(
        natural: [KnownSale], revision: Int64?, closedAt: Timestamp, isFingerprintRecent: Bool
    ) -> DuplicateDecision {
        if let same = natural.first(where: { $0.content == .same }) { return .duplicate(of: same.id) }
        let sameClosing = natural.first { $0.closedAt == closedAt }
        guard let known = sameClosing ?? natural.first else {
            return .new(flags: isFingerprintRecent ? ["suspected_duplicate"] : [])
        }
        if let revision, revision > known.revision ?? 0 { return .revision(of: known.id, implicit: false) }
        // A resend that was overtaken by a correction must not undo it.
        if let earlier = natural.first(where: { $0.content == .superseded }) { return .duplicate(of: earlier.id) }
        guard sameClosing != nil else { return .new(flags: ["number_reused"]) }
        if let revision, let latest = known.revision, revision < latest { return .duplicate(of: known.id) }
        return .revision(of: known.id, implicit: true)
    }
}
