import ControlAPI
import LoyaltyModel

/// Finds members and cards that stand twice in one file. A snapshot names each once; a delta may change its mind.
///
/// Keeps 64-bit hashes with a seed of this process, not card numbers: 16 bytes and a line number for each. That two of ten
/// million differ and hash alike has a chance of 1 in 300,000.
struct SnapshotCheck {
    private var identifiers: [Int: Int32] = [:]
    private var cards: [Int: Int32] = [:]

    /// - Throws: `member.bad_field` or `member.card_conflict`, with the line where it stood first.
    mutating func add(_ row: MemberRow, line: Int) throws(LoyaltyError) {
        if let first = identifiers.updateValue(Int32(clamping: line), forKey: row.id.hashValue) {
            throw LoyaltyError(
                .memberBadField, "this member stands on line \(first) already", at: Place(line: line, column: 1))
        }
        for text in row.cards {
            guard let number = CardNumber(text) else { continue }
            let first = cards.updateValue(Int32(clamping: line), forKey: number.hashValue)
            if let first, first != line {
                throw LoyaltyError(
                    .memberCardConflict,
                    "a card of this row belongs to the member on line \(first)",
                    at: Place(line: line, column: 1)
                )
            }
        }
    }
}
