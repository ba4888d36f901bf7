import ArgumentParser
import ControlAPI
import LoyaltyModel

struct MembersShowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "One member, by id or by card."
    )

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    @Argument(help: "The member's id.")
    var id: String?

    @Option(
        help: ArgumentHelp(
            "A card number; - asks for it, or reads it from standard input, so that it stands in no process list.",
            valueName: "number|-"
        )
    )
    var card: String?

    func validate() throws {
        guard (id == nil) != (card == nil) else { throw ValidationError("Give a member's id, or --card.") }
    }

    func run() async throws {
        let client = connection.client
        let member: MemberReport
        if let card {
            let text = card == "-" ? Terminal.secretLine(prompt: "Card number: ") ?? "" : card
            guard let number = CardNumber(text) else {
                throw LoyaltyError(.controlBadRequest, "that is not a card number")
            }
            member = try await client.member(card: number)
        } else {
            member = try await client.member(id: MemberID(id ?? ""))
        }
        try output.print(member) { _ in Self.text(member) }
    }

    static func text(_ member: MemberReport) -> String {
        let entitlements = member.entitlements.map { entitlement in
            let from = entitlement.from.map { " from \($0)" } ?? ""
            return entitlement.name + from + (entitlement.to.map { " to \($0)" } ?? "")
        }
        let balance = member.balance.map { points in
            "\(points)" + (member.balanceAsOf.map { " as of \(Words.instant($0, now: nil))" } ?? "")
        }
        let facts: [(String, String?)] = [
            ("Member", member.id.value),
            ("Status", member.status + (member.replacedBy.map { " by \($0)" } ?? "")),
            ("Tier", member.tier), ("Segments", member.segments.joined(separator: ", ")),
            ("Entitlements", entitlements.joined(separator: ", ")), ("Birthday", member.birthday?.description),
            ("Household", member.household), ("Balance", balance), ("Greeting", member.greeting),
            ("Cards", "\(member.cards)"), ("Updated", member.updatedAt.map { Words.instant($0, now: nil) }),
        ]
        let head = facts.compactMap { name, value -> String? in
            guard let value, !value.isEmpty else { return nil }
            return name + String(repeating: " ", count: max(1, 14 - name.count)) + value
        }
        return (head + points(member)).joined(separator: "\n")
    }

    /// Balances, what holds them, and rewards, as this terminal knows them.
    private static func points(_ member: MemberReport) -> [String] {
        var lines: [String] = []
        for balance in member.points ?? [] {
            var text = "\(balance.available) can be spent"
            if !balance.pending.isZero { text += ", \(balance.pending) pending" }
            if !balance.owed.isZero { text += ", \(balance.owed) owed" }
            if let next = balance.endings.first { text += "; \(next.points) end after \(next.day)" }
            lines.append("\(balance.currency): \(text)")
        }
        for lot in member.lots ?? [] {
            var text = "  \(lot.remaining) of \(lot.granted) \(lot.currency) of \(lot.earned)"
            if let day = lot.pendingUntil { text += ", from \(day)" }
            if let day = lot.lastDay { text += ", until \(day)" }
            lines.append(text + " (\(lot.origin))")
        }
        for reward in member.rewards ?? [] {
            let until = reward.expires.map { ", until \($0)" } ?? ""
            lines.append("reward \(reward.reward): \(reward.count), given on \(reward.issued)\(until)")
        }
        return lines.isEmpty ? [] : [""] + lines
    }
}
