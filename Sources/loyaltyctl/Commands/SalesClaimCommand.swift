import ArgumentParser
import ControlAPI
import LoyaltyModel

struct SalesClaimCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "claim",
        abstract: "Gives the points of a sale without a card to a member, because he shows its receipt.",
        discussion: "Once per receipt, for 14 days after the sale. Who did it stands in the log."
    )

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    @Argument(help: "The receipt, the till's number or unique id of the sale, or the daemon's reference.")
    var receipt: String

    @Option(help: ArgumentHelp("The member's id.", valueName: "id"))
    var member: String?

    @Option(
        help: ArgumentHelp(
            "A card number; - asks for it, or reads it from standard input, so that it stands in no process list.",
            valueName: "number|-"
        )
    )
    var card: String?

    func validate() throws {
        guard (member == nil) != (card == nil) else { throw ValidationError("Give --member or --card.") }
    }

    func run() async throws {
        let number = card == "-" ? Terminal.secretLine(prompt: "Card number: ") ?? "" : card
        let result = try await connection.client.claim(
            ClaimRequest(receipt: receipt, card: number, member: member.map { MemberID($0) }))
        try output.print(result) { _ in
            "\(result.points.points) \(result.points.currency) of sale \(result.sale) for member \(result.member)"
        }
    }
}
