import ArgumentParser
import ControlAPI
import LoyaltyModel
import TillFeed

struct RulesEvalCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "eval",
        abstract: "What the sales of a file earn under a program, with every rule's reasons.",
        discussion: """
            Sales are lines of the till protocol, as the till sends them; sale.complete and sale.return are evaluated. A sale's \
            member is found in the member file by its card or member number; without a member file every sale is a \
            stranger's. With --json one object per sale and line. Exit code 65 where a line is no sale event.
            """
    )

    @OptionGroup var output: OutputOptions

    @Option(help: ArgumentHelp("The program file, TOML.", valueName: "file"))
    var program: String

    @Option(help: ArgumentHelp("Sale events, NDJSON; - is standard input.", valueName: "file"))
    var sales: String

    @Option(help: ArgumentHelp("Members, CSV or NDJSON as for members import.", valueName: "file"))
    var members: String?

    func run() async throws {
        var trial = try RulesTrial(
            program: try ProgramSource.load(program), members: try members.map(MemberDirectory.init(path:)) ?? .init())
        let source = try MemberFileSource(path: sales)
        var reader = LineReader(limit: TillEventDecoder.maximumLineLength)
        var offset: Int64 = 0
        while true {
            let bytes = try source.chunk(at: offset)
            offset += Int64(bytes.count)
            if bytes.isEmpty { reader.finish() } else { reader.append(bytes) }
            try consume(&reader, &trial)
            if bytes.isEmpty { break }
        }
        if !output.json { Terminal.print(RulesText(style: .standardOutput).summary(trial.totals)) }
        if trial.totals.bad > 0 { throw ExitCode(LoyaltyError.Kind.badData.rawValue) }
    }

    private func consume(_ reader: inout LineReader, _ trial: inout RulesTrial) throws {
        while true {
            do throws(LoyaltyError) {
                guard let line = try reader.next() else { return }
                guard let sale = try trial.evaluate(line.bytes, number: line.number) else { continue }
                if output.json {
                    Terminal.print(String(decoding: try ContractCoding.encode(sale), as: UTF8.self))
                } else {
                    Terminal.print(RulesText(style: .standardOutput).show(sale))
                }
            } catch {
                trial.totals.bad += 1
                Terminal.printError("\(sales): \(error)")
            }
        }
    }
}
