import ArgumentParser
import CardReading
import ControlAPI

struct MembersImportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Bring a member file into the cache.",
        discussion: """
            Columns of CSV and keys of NDJSON: id, cards, status, replaced_by, tier, segments, entitlements, birthday, \
            household, balance, as_of, greeting, op. Lists in CSV are separated by ; or |. \
            The whole file is checked first; with one bad row nothing is imported, unless --skip-bad-rows is given.
            """
    )

    enum Kind: String, EnumerableFlag {
        case snapshot, delta

        static func help(for value: Kind) -> ArgumentHelp? {
            switch value {
            case .snapshot: "The file is all members; whoever is not in it is removed."
            case .delta: "The file is changes; rows with op delete remove a member."
            }
        }
    }

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    @Argument(help: "A CSV or NDJSON file; - is standard input.")
    var file: String

    @Option(help: "csv or ndjson; without it the name decides, or the first byte.")
    var format: MemberFileFormat?

    @Flag(help: "What the file is (default: --delta, which removes nobody by leaving him out).")
    var kind: Kind = .delta

    @Flag(help: "Leave bad rows out instead of importing nothing.")
    var skipBadRows = false

    @Flag(help: "Remove members even where they are more than 20 %, or where rows were left out.")
    var force = false

    @Option(help: "Rows that are written in one transaction, 1 to 1000.")
    var batch = 1000

    func validate() throws {
        guard (1...1000).contains(batch) else { throw ValidationError("--batch is 1 to 1000") }
    }

    func run() async throws {
        let source = try MemberFileSource(path: file)
        let beginning = try source.chunk(at: 0)
        var task = MemberImport(
            source: source,
            options: MemberImport.Options(
                format: format ?? MemberFileFormat.detect(name: file, beginning: beginning),
                kind: kind == .snapshot ? .snapshot : .delta,
                skipsBadRows: skipBadRows,
                force: force,
                batch: batch
            ),
            client: connection.client,
            isPaymentCard: PaymentScreen.containsPaymentCard,
            report: Terminal.printError
        )
        let result = try await task.run()
        try output.print(result) { _ in Self.text(result) }
    }

    static func text(_ result: ImportResult) -> String {
        var parts = [
            "\(Words.grouped(result.added)) added", "\(Words.grouped(result.changed)) changed",
            "\(Words.grouped(result.unchanged)) unchanged", "\(Words.grouped(result.removed)) removed",
        ]
        if result.skipped > 0 { parts.append("\(Words.grouped(result.skipped)) left out") }
        return Words.count(result.rows, "row", "rows") + ": " + parts.joined(separator: ", ") + ". "
            + Words.count(result.members, "member", "members") + " now."
    }
}
