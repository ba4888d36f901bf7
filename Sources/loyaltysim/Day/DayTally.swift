import FoundationEssentials
import LoyaltyModel

/// What the daemon said in the course of a played day, and what was wrong with it.
struct DayTally: Sendable {
    /// A card.scanned event, as pushed to tills.
    struct Notice: Decodable, Sendable {
        struct Member: Decodable, Sendable {
            var id: String?
            var unverified: Bool?
        }

        var type: String
        var result: String
        var code: String?
        var member: Member?
    }

    var sales = 0
    var matched = 0
    var unknownCards = 0
    var duplicates = 0
    var cards = 0
    var refused: [String: Int] = [:]
    private(set) var problems: [String] = []

    static func notice(_ line: [UInt8]) -> Notice? {
        guard let notice = try? JSONDecoder().decode(Notice.self, from: Data(line)), notice.type == "card.scanned"
        else {
            return nil
        }
        return notice
    }

    mutating func problem(_ text: String) { problems.append(text) }

    mutating func count(_ notice: Notice, expecting reading: DayPlan.Reading) {
        let found = "\(notice.result)\(notice.code.map { " (\($0))" } ?? "")"
        if notice.result == "refused" {
            refused[notice.code ?? "no code", default: 0] += 1
        } else {
            cards += 1
        }
        let isTaken = ["attached", "held", "added_to_last_sale"].contains(notice.result)
        switch reading {
        case .member(let id):
            if !isTaken || notice.member?.id != id {
                problem("the card of \(id) was read as \(found) of \(notice.member?.id ?? "nobody")")
            }
            if notice.result == "added_to_last_sale" { matched += 1 }
        case .unknownCard:
            if isTaken, notice.member?.id == nil { unknownCards += 1 } else { problem("an unknown card: \(found)") }
        case .refused(let reason):
            if notice.code != reason.rawValue { problem("expected \(reason.rawValue), the daemon said \(found)") }
        }
    }

    mutating func count(_ answer: TillAnswer, of step: DayPlan.Step) {
        switch step {
        case .scan: break
        case .live:
            if answer.result != .accepted, answer.result != .ignored { wrong(answer) }
        case .end(_, let member):
            sales += 1
            guard answer.result == .accepted else { return wrong(answer) }
            if let member {
                if answer.member?.id == member {
                    matched += 1
                } else {
                    problem("\(answer.acknowledges) went to \(answer.member?.id ?? "nobody"), not to \(member)")
                }
            } else if let stranger = answer.member?.id {
                problem("\(answer.acknowledges) went to \(stranger), and nobody had shown a card")
            }
        case .resend:
            if answer.result == .duplicate { duplicates += 1 } else { wrong(answer) }
        }
    }

    private mutating func wrong(_ answer: TillAnswer) {
        problem(
            "\(answer.acknowledges) was \(answer.result.rawValue) \(answer.code ?? "") \(answer.message ?? "")")
    }
}
