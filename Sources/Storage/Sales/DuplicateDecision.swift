internal import LoyaltyModel

/// The duplicate table of docs/till-protocol.md for an event that is new, as a pure function of what is known when its
/// document arrives. Events that are known (E) are decided by their digest alone.
///
/// N is the natural key (epoch, store, register, business day, operator, number); F the fingerprint of the content. Where the
/// till gives every sale an id of its own, that tells two sales of one number apart, and finds a sale under another number.
enum DuplicateDecision: Equatable, Sendable {
    /// N is known with the same content, or with a later one: same answer, no effect.
    case duplicate(of: Int64, flags: [String] = [])
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

        /// What the till's own ids say of this sale and the one that arrived.
        enum Identity: Equatable, Sendable {
            case equal
            case different
            /// One of them has none.
            case unknown
        }

        var id: Int64
        var content: Content
        var identity = Identity.unknown
        /// It is not voided, and of the till database that this document is of.
        var isCorrectable = true
        /// Of the same business day, or closed so shortly before or after it that midnight alone parts them. Ids that begin again, as numbers do, are another sale's on another day.
        var isSameDay = true
        var revision: Int64?
        /// Whether a state without a number came before the stored one.
        var hadUnnumberedState = false
        var closedAt: Timestamp
    }

    /// - Parameters:
    ///   - known: the sales under N, and those with the till's id, the newest first; more than one under N where the till
    ///     used a number again.
    ///   - isFingerprintRecent: whether another sale of this register with the same F came within 120 s.
    static func decide(
        known: [KnownSale], revision: Int64?, closedAt: Timestamp, isFingerprintRecent: Bool
    ) -> DuplicateDecision {
        // Without `closed_at` equal baskets of two customers have one F; their own ids tell them apart.
        let same = known.first { $0.content == .same && ($0.identity != .different || $0.closedAt == closedAt) }
        if let same { return .duplicate(of: same.id) }
        let identical = known.filter { $0.identity == .equal }
        let candidates = identical.isEmpty ? known.filter { $0.identity == .unknown } : identical
        let sameClosing = candidates.first { $0.closedAt == closedAt }
        guard let candidate = sameClosing ?? candidates.first(where: \.isSameDay) ?? candidates.first else {
            let flag = known.isEmpty ? isFingerprintRecent ? "suspected_duplicate" : nil : "number_reused"
            return .new(flags: flag.map { [$0] } ?? [])
        }
        if let revision, revision > candidate.revision ?? 0 { return .revision(of: candidate.id, implicit: false) }
        // A resend that was overtaken by a correction must not undo it.
        if let earlier = candidates.first(where: { $0.content == .superseded }) { return .duplicate(of: earlier.id) }
        if sameClosing == nil {
            // Under the till's own id it is the same sale, whenever it was closed that day: the later state counts.
            guard candidate.identity == .equal, candidate.isCorrectable, candidate.isSameDay else {
                return .new(flags: ["number_reused"])
            }
            // Or the till's clock was set back, and this is a correction: somebody has to look.
            if closedAt < candidate.closedAt { return .duplicate(of: candidate.id, flags: ["earlier_state"]) }
        }
        // A till that counts corrections sends the first state without a number; it may arrive after its correction.
        if revision ?? 0 < candidate.revision ?? 0, revision != nil || !candidate.hadUnnumberedState {
            return .duplicate(of: candidate.id)
        }
        return .revision(of: candidate.id, implicit: true)
    }
}
