import ArgumentParser
import ControlAPI

struct ConfigShowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "The settings in force, with the place of each.",
        discussion: """
            Asks the running daemon, so that a file that was changed since, or refused, does not count. What a reload has read and only \
            the next start will use is named as such. The text is a configuration file.
            """
    )

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    @Flag(help: "The defaults of all other keys as well.")
    var effective = false

    func run() async throws {
        let entries = try await connection.client.configuration().filter {
            effective || $0.origin != nil || $0.pending != nil
        }
        try output.print(entries) { Self.text(entries, $0) }
    }

    static func text(_ entries: [ConfigurationEntry], _ style: Style) -> String {
        let lengths = entries.compactMap { entry in entry.value.map { entry.key.count + $0.count + 3 } }
        let width = min(lengths.max() ?? 0, 48)
        var lines: [String] = []
        var table: (section: String, number: Int?)?
        for entry in entries {
            if table.map({ $0 != (entry.section, entry.number) }) ?? true {
                lines += heading(entry, style, isFirst: table == nil)
            }
            table = (entry.section, entry.number)
            lines.append(line(entry, width, style))
            if let pending = entry.pending {
                let value = pending.isEmpty ? "no value" : pending
                lines.append(style.apply(.warning, "# the next start takes \(value)"))
            }
        }
        return lines.joined(separator: "\n")
    }

    private static func heading(_ entry: ConfigurationEntry, _ style: Style, isFirst: Bool) -> [String] {
        let name = entry.section.split(separator: ".").map { quoted(String($0)) }.joined(separator: ".")
        return (isFirst ? [] : [""]) + [style.apply(.strong, entry.number == nil ? "[\(name)]" : "[[\(name)]]")]
    }

    private static func line(_ entry: ConfigurationEntry, _ width: Int, _ style: Style) -> String {
        guard let value = entry.value else { return style.apply(.faint, "# \(entry.key): not set") }
        let text = "\(quoted(entry.key)) = \(value)"
        let padding = String(repeating: " ", count: max(width - text.count, 0) + 2)
        return text + padding + style.apply(.faint, "# \(entry.origin ?? "default")")
    }

    private static func quoted(_ key: String) -> String {
        key.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_" || $0 == "-") } ? key : "\"\(key)\""
    }
}
