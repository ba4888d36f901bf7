import ArgumentParser
import ControlAPI
import LoyaltyModel

struct ReadersWatchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "watch",
        abstract: "Show what the readers do, as it happens, until Ctrl-C.",
        discussion: "With --json one object a line."
    )

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    @Option(help: "End after so many events.")
    var count: Int?

    func validate() throws {
        if let count, count < 1 { throw ValidationError("--count is 1 or more") }
    }

    func run() async throws {
        let client = connection.client
        var last = try await client.readerEvents(after: nil).last
        var left = count ?? .max
        if !output.json { Terminal.printError("Waiting for the readers. Ctrl-C ends.") }
        while left > 0 {
            let page = try await client.readerEvents(after: last)
            last = page.last
            for event in page.events.prefix(left) {
                let text =
                    output.json
                    ? String(decoding: try ContractCoding.encode(event), as: UTF8.self)
                    : Self.text(event, .standardOutput)
                Terminal.print(text)
                left -= 1
            }
        }
    }

    static func text(_ event: ReaderEventReport, _ style: Style) -> String {
        let time = String(event.time.description.dropFirst(11).prefix(8))
        let what: String =
            switch event.event {
            case .connected: "connected: \(event.name ?? "reader")"
            case .gone: style.apply(.warning, "unplugged")
            case .dropped: style.apply(.warning, "\(Words.count(event.count ?? 1, "scan", "scans")) dropped half-way")
            case .state: state(event, style)
            case .scan: scan(event, style)
            case .notice:
                style.apply(.warning, event.problem ?? "")
                    + (event.remedy.map { "\n          " + style.apply(.faint, $0) } ?? "")
            }
        return "\(time)  \(event.reader)  \(what)"
    }

    private static func state(_ event: ReaderEventReport, _ style: Style) -> String {
        let word = Words.plain(event.state ?? "")
        guard let problem = event.problem else { return style.apply(.good, word) }
        let remedy = event.remedy.map { "\n          " + style.apply(.faint, $0) } ?? ""
        return style.apply(.warning, word) + ": \(problem)\(remedy)"
    }

    private static func scan(_ event: ReaderEventReport, _ style: Style) -> String {
        let isRefused = event.result == "refused"
        let parts = [
            event.symbology ?? event.entry, event.card, event.register.map { "register \($0)" },
        ].compactMap(\.self)
        let result = isRefused ? "refused: \(Words.plain(event.code ?? "no reason"))" : Words.plain(event.result ?? "")
        return style.apply(isRefused ? .bad : .good, result) + "  " + parts.joined(separator: ", ")
    }
}
