import ArgumentParser
import ControlAPI
import Glibc
import LoyaltyModel
import ReaderChecks

struct ReadersDoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Say what is wrong with the readers and what to do. Works without the daemon, too.",
        discussion: """
            Looks at the USB devices in sysfs, at the configuration and, where it answers, at the daemon. Changes nothing. Exits \
            0 where all is well, 1 where something needs attention, 2 where no reader can be read. Run it with sudo to have the \
            configuration checked.
            """
    )

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    @Argument(help: "Only this reader: usb-1-1.2:0, its port 1-1.2, or its USB id 05e0:1200.")
    var reader: String?

    @Option(help: ArgumentHelp("The daemon's configuration.", valueName: "file"))
    var config = ReaderSettingsFile.standard

    @Option(help: .hidden)
    var sysfs = "/sys"

    @Option(help: .hidden)
    var dev = "/dev"

    func run() async throws {
        var situation = ReaderSituation(devices: USBDeviceTree(sysfs: sysfs, dev: dev).read(), account: .ofService)
        situation.daemon = try await Self.reported(by: connection.client)
        situation.settings = try ReaderSettingsFile.load(config)
        situation.hasRules = Self.rulesDirectories.contains { access($0 + "/70-loyaltyd.rules", F_OK) == 0 }
        let whole = ReaderExamination(situation)
        guard let examination = reader.map(whole.only) ?? whole else {
            throw LoyaltyError(
                .controlNotFound, "no reader \"\(reader ?? "")\" is plugged in",
                remedy: "loyaltyctl readers doctor names them all")
        }
        try output.print(examination) { Self.text(examination, $0) }
        throw ExitCode(examination.verdict.exitCode)
    }

    private static let rulesDirectories = [
        "/etc/udev/rules.d", "/run/udev/rules.d", "/usr/local/lib/udev/rules.d", "/usr/lib/udev/rules.d",
        "/lib/udev/rules.d",
    ]

    /// nil where no daemon answers.
    private static func reported(by client: ControlClient) async throws -> [ReaderSituation.Reported]? {
        let reports: [ReaderReport]
        do { reports = try await client.readers() } catch {
            guard error.code == .controlUnavailable || error.code == .controlTimeout else { throw error }
            return nil
        }
        return reports.map { report in
            var reader = ReaderSituation.Reported(
                id: report.id.name, portPath: report.path, name: report.name, state: report.state.rawValue)
            (reader.word, reader.driver, reader.notice) = (report.word, report.driver, report.notice)
            (reader.problem, reader.remedy) = (report.problem, report.remedy)
            (reader.reads, reader.errors) = (report.readsToday, report.errors)
            return reader
        }
    }

    static func text(_ examination: ReaderExamination, _ style: Style) -> String {
        var parts: [String] = []
        if !examination.devices.isEmpty {
            var table = TextTable([
                ("PORT", .left), ("USB", .left), ("STATE", .left), ("READ AS", .left), ("HELD BY", .left),
                ("NAME", .left),
            ])
            for device in examination.devices {
                table.add([
                    .init(device.port), .init(device.usb), .init(Words.plain(device.state), tone(device.state)),
                    .init(device.kinds.isEmpty ? "-" : device.kinds.joined(separator: ", ")),
                    .init(device.drivers.isEmpty ? "-" : device.drivers.joined(separator: ", ")), .init(device.name),
                ])
            }
            parts.append(table.render(style))
        }
        for finding in examination.findings {
            let mark = finding.isNote ? style.apply(.faint, "- ") : style.apply(.warning, "! ")
            let port = finding.port.map { "\($0): " } ?? ""
            parts.append("\(mark)\(port)\(sentence(finding.problem))\n  \(sentence(finding.remedy))")
        }
        parts.append(verdict(examination, style))
        return parts.joined(separator: "\n\n")
    }

    private static func sentence(_ text: String) -> String {
        let end = text.last.map { ".!?".contains($0) } == true ? "" : "."
        return (text.first.map { $0.uppercased() } ?? "") + text.dropFirst() + end
    }

    private static func verdict(_ examination: ReaderExamination, _ style: Style) -> String {
        let count = examination.findings.count { !$0.isNote }
        let thing = Words.count(count, "thing needs", "things need")
        return switch examination.verdict {
        case .fine: style.apply(.good, "Fine.")
        case .attention: style.apply(.warning, "\(thing) attention.")
        case .nothing: style.apply(.bad, "No reader can be read.") + (count > 0 ? " \(thing) attention." : "")
        }
    }

    private static func tone(_ state: String) -> Style.Tone {
        switch state {
        case "ready": .good
        case "readable", "starting": .plain
        case "left_alone", "denied": .faint
        default: .warning
        }
    }
}

extension ReaderExamination.Verdict {
    var exitCode: Int32 {
        switch self {
        case .fine: 0
        case .attention: 1
        case .nothing: 2
        }
    }
}
