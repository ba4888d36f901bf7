import CardReading
import LoyaltyModel

/// The members of a file, by card and by number.
struct MemberDirectory {
    private var members: [MemberID: Member] = [:]
    private var holders: [String: MemberID] = [:]

    init() {}

    /// - Throws: `member_file.*`, `csv.*`, and the first bad row's error.
    init(path: String) throws(LoyaltyError) {
        let source = try MemberFileSource(path: path)
        var offset: Int64 = 0
        var bytes = try source.chunk(at: 0)
        var reader = MemberFileReader(
            format: MemberFileFormat.detect(name: path, beginning: bytes),
            isPaymentCard: PaymentScreen.containsPaymentCard)
        while true {
            offset += Int64(bytes.count)
            if bytes.isEmpty { reader.finish() } else { reader.append(bytes) }
            for row in try reader.rows() { try add(row, source.name) }
            if bytes.isEmpty { return }
            bytes = try source.chunk(at: offset)
        }
    }

    func member(_ card: PresentedCard) -> Member? {
        let number: CardNumber
        switch card.value {
        case .number(let read), .unclassified(let read): number = read
        case .token, .refused: return nil
        }
        let text = number.value
        if card.kind == .memberID { return members[MemberID(text)] }
        return holders[text].flatMap { members[$0] }
    }

    private mutating func add(_ row: MemberFileReader.Row, _ file: String) throws(LoyaltyError) {
        switch try row.result.get().change(isPaymentCard: PaymentScreen.containsPaymentCard) {
        case .upsert(let record):
            members[record.member.id] = record.member
            for card in record.cards { holders[card.value] = record.member.id }
        case .delete(let id): members[id] = nil
        }
    }
}
