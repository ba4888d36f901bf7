import ControlAPI
import LoyaltyModel

/// The status for people: one word, the reason, then one line per part.
struct StatusText {
    let report: StatusReport
    let style: Style

    func render() -> String {
        var lines = [headline]
        if let since = report.since {
            let age = Words.age(since, now: report.now).map { " (\($0))" } ?? ""
            lines.append(style.apply(.faint, "Since \(Words.instant(since, now: report.now))\(age)"))
        }
        // A report that nobody made has no clock and no parts.
        guard report.now != nil else { return lines.joined(separator: "\n") }
        if report.training { lines.append(style.apply(.warning, "Training: nothing counts")) }
        lines.append("")
        lines += part("Readers", readers)
        lines += report.readers.map { "             " + reader($0) }
        lines += part("Till", till) + part("Members", members) + part("Queue", queue) + part("Back end", upstream)
        lines += part("Today", today)
        if let disk = report.disk { lines += part("Disk", self.disk(disk)) }
        lines += part("Program", report.program.map(program))
        if let next = report.nextProgram {
            let identity = ProgramIdentity(name: next.name, version: next.version, hash: next.hash)
            lines += part("", "from \(next.effective): \(program(identity))")
        }
        lines += part("Version", version)
        for item in report.attention {
            lines += ["", style.apply(.warning, "! ") + item.message]
            if let remedy = item.remedy { lines.append("  " + style.apply(.faint, remedy)) }
        }
        return lines.joined(separator: "\n")
    }

    private var headline: String {
        switch report.state {
        case .ok: style.apply(.good, "OK") + "  " + report.reason
        case .attention: style.apply(.warning, "Attention") + "  " + report.reason
        case .stopped: style.apply(.bad, "Stopped") + "  " + report.reason
        }
    }

    private func part(_ name: String, _ text: String?) -> [String] {
        guard let text, !text.isEmpty else { return [] }
        return ["  " + name + String(repeating: " ", count: max(1, 11 - name.count)) + text]
    }

    private var readers: String {
        report.readers.isEmpty ? "none plugged in" : "\(report.readyReaders) of \(report.readers.count) ready"
    }

    private func reader(_ reader: ReaderReport) -> String {
        let width = report.readers.map(\.state.rawValue.count).max() ?? 0
        let padding = String(repeating: " ", count: width - reader.state.rawValue.count + 2)
        var text = style.apply(reader.state.tone, reader.state.rawValue) + padding + reader.name
        if let problem = reader.problem { return text + ": \(problem)" + (reader.remedy.map { "; \($0)" } ?? "") }
        text += ", " + Words.count(reader.readsToday, "read", "reads") + " today"
        return text + (Words.age(reader.lastReadAt, now: report.now).map { ", last \($0) ago" } ?? "")
    }

    private var till: String {
        let last = Words.age(report.till.lastEventAt, now: report.now).map { ", last event \($0) ago" } ?? ""
        return report.till.state.rawValue + last
    }

    private var members: String {
        let count = report.members
        let numbers = [Words.count(count.members, "member", "members"), Words.count(count.cards, "card", "cards")]
        let age = Words.age(count.asOf, now: report.now).map { "last \(count.source ?? "update") \($0) ago" }
        return (numbers + [age].compactMap { $0 }).joined(separator: ", ")
    }

    private var queue: String {
        let queue = report.queue
        let parts = [(queue.waiting, "waiting"), (queue.held, "held"), (queue.dead, "dead")]
            .filter { $0.0 > 0 }.map { "\(Words.grouped($0.0)) \($0.1)" }
        let oldest = Words.age(queue.oldestAt, now: report.now).map { ", oldest \($0)" } ?? ""
        let delivered = ", \(Words.grouped(queue.deliveredToday)) delivered today"
        return (parts.isEmpty ? "empty" : parts.joined(separator: ", ")) + oldest + delivered
    }

    private var upstream: String {
        let upstream = report.upstream
        var text = upstream.state.rawValue
        if let since = upstream.since { text += " since \(Words.instant(since, now: report.now))" }
        if let target = upstream.target { text += ", \(target)" }
        if let age = Words.age(upstream.lastSuccessAt, now: report.now) { text += ", last answer \(age) ago" }
        if upstream.state != .online, let error = upstream.lastError { text += ", \(error)" }
        return text
    }

    private var today: String {
        let today = report.today
        let percent = today.memberPercent.map { " (\($0) %)" } ?? ""
        var parts = [
            Words.count(today.sales, "sale", "sales"), "\(Words.grouped(today.withMember)) with member\(percent)",
            "\(Words.points(today.pointsGiven)) points given",
        ]
        if today.pointsTaken.contains(where: { !$0.points.isZero }) {
            parts.append("\(Words.points(today.pointsTaken)) taken back")
        }
        let refused = Words.reasons(today.refused)
        if !refused.isEmpty { parts.append("scans refused: \(refused)") }
        return parts.joined(separator: ", ")
    }

    private func disk(_ disk: DiskReport) -> String {
        let megabyte: Int64 = 1_000_000
        return "\(disk.usedBytes / megabyte) of \(disk.budgetBytes / megabyte) MB used"
    }

    private func program(_ program: ProgramIdentity) -> String {
        ([program.name, program.version].compactMap { $0 } + ["(\(program.hash.prefix(8)))"]).joined(separator: " ")
    }

    private var version: String? {
        let up = report.uptimeSeconds.map { "up \(Words.span(seconds: $0))" }
        let parts = [report.version, report.terminal, up].compactMap { $0 }
        return parts.isEmpty ? nil : parts.joined(separator: ", ")
    }
}

extension ReaderReport.State {
    var tone: Style.Tone {
        switch self {
        case .ready: .good
        case .starting: .plain
        case .trouble: .warning
        case .gone: .bad
        case .unsupported: .faint
        }
    }
}
