import CardReading
import EarnRules
import LoyaltyModel
import TillFeed

/// Finished sales among the lines of a till, each with its member.
struct SaleLines {
    struct Sold {
        var sale: Sale
        var closedAt: Timestamp
        var businessDay: CalendarDate?
        var member: Member?
        var hasCard: Bool

        func input(_ program: Program, _ explanation: EarnInput.Explanation) -> EarnInput {
            EarnInput(
                sale: sale, occurredAt: closedAt, businessDay: businessDay ?? program.zone.local(closedAt).date,
                member: member, explanation: explanation)
        }
    }

    struct Event {
        /// nil for an event that ends no sale.
        var sale: Sold?
    }

    private let members: MemberDirectory
    private let decoder: TillEventDecoder

    init(members: MemberDirectory) throws(LoyaltyError) {
        self.members = members
        decoder = TillEventDecoder(screening: CardScreening(classifier: try CardClassifier(schemes: [])))
    }

    /// nil for an empty line.
    ///
    /// - Throws: `till.*` with line and column.
    func read(_ line: [UInt8], number: Int) throws(LoyaltyError) -> Event? {
        guard !line.allSatisfy({ $0 == 0x20 || $0 == 0x09 }) else { return nil }
        let event: TillEvent
        do { event = try decoder.decode(line) } catch {
            throw error.error.at(
                Place(line: number, column: error.error.place?.column, path: error.error.place?.path))
        }
        guard case .sale(let verb, let sale) = event.content, verb == .complete || verb == .return, !event.training
        else { return Event() }
        let cards = event.cards.filter(\.active)
        return Event(
            sale: Sold(
                sale: sale, closedAt: sale.closedAt ?? event.time, businessDay: event.businessDay,
                member: cards.lazy.compactMap(members.member).last, hasCard: !cards.isEmpty))
    }

    /// Reads a file line by line. Bad lines go to `bad`, and the reading goes on.
    static func each(
        of path: String, _ body: ([UInt8], Int) throws(LoyaltyError) -> Void, bad: (LoyaltyError) -> Void
    ) throws(LoyaltyError) {
        let source = try MemberFileSource(path: path)
        var reader = LineReader(limit: TillEventDecoder.maximumLineLength)
        var offset: Int64 = 0
        while true {
            let bytes = try source.chunk(at: offset)
            offset += Int64(bytes.count)
            if bytes.isEmpty { reader.finish() } else { reader.append(bytes) }
            while true {
                do throws(LoyaltyError) {
                    guard let line = try reader.next() else { break }
                    try body(line.bytes, line.number)
                } catch { bad(error) }
            }
            if bytes.isEmpty { return }
        }
    }
}
