internal import Foundation
internal import LoyaltyModel
internal import Storage
internal import TillFeed

/// Whose event numbers these are.
struct SequenceKey: Hashable, Sendable {
    var source: String
    var epoch: String
}

/// Events that a till numbered and that never came.
extension LaneService {
    /// A till that names sources without end must not take all memory.
    private static let mostSources = 1024

    func noteSequence(of event: TillEvent) {
        guard let number = event.sequence else { return }
        let key = SequenceKey(source: event.identity.source, epoch: event.identity.epoch)
        if sequences[key]?.note(number) != nil { return }
        if sequences.count >= Self.mostSources { sequences = [:] }
        sequences[key] = SequenceGaps(first: number)
    }

    /// Takes up what the last stop left. - Throws: `storage.*`.
    func loadSequences() async throws(LoyaltyError) {
        for kept in try await ledger.takeSequences().value {
            guard let gaps = try? JSONDecoder().decode(SequenceGaps.self, from: Data(kept.gaps.utf8)) else { continue }
            sequences[SequenceKey(source: kept.source, epoch: kept.epoch)] = gaps
        }
    }

    /// Leaves them for the next start. - Throws: `storage.*`.
    func keepSequences() async throws(LoyaltyError) {
        let kept = sequences.compactMap { key, gaps -> Ledger.KeptSequence? in
            guard let text = try? JSONEncoder().encode(gaps) else { return nil }
            return .init(source: key.source, epoch: key.epoch, gaps: String(decoding: text, as: UTF8.self))
        }
        try await ledger.keepSequences(kept).value
    }
}
