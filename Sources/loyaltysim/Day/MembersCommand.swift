import ArgumentParser
import LoyaltyModel

struct MembersCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "members",
        abstract: "Writes a member file for a day of sales, for `loyaltyctl members import`.",
        discussion: """
            One member for each customer of the data set: customer 16161 becomes m16161 with the EAN-13 card 2984000 16161 and a check \
            digit. Numbers that are multiples of 3 are gold; numbers that end in 1 have an old card, 2984001, too.
            """
    )

    @Option(help: "A day of the Online Retail data set (CSV).")
    var sales: String

    @Option(help: "The file to write; - is standard output.")
    var out = "-"

    func run() throws {
        try reportingErrors {
            let members = try DemoMember.all(of: OnlineRetail(readFile(sales), file: sales))
            try writeFile(out, members.map { Array(try jsonLine($0).utf8) })
        }
    }
}
