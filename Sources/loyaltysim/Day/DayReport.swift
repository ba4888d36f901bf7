import LoyaltyModel

/// The day's figures beside what they should be.
struct DayReport: Sendable {
    struct Row: Sendable {
        var name: String
        var found: String
        /// nil where there is nothing to compare with.
        var expected: String?

        init(name: String, found: String, expected: String? = nil) {
            self.name = name
            self.found = found
            self.expected = expected
        }

        init(_ name: String, _ found: Int, _ expected: Int?) {
            self.init(name: name, found: String(found), expected: expected.map { String($0) })
        }

        var agrees: Bool { expected.map { $0 == found } ?? true }
    }

    let rows: [Row]
    let problems: [String]

    var agrees: Bool { problems.isEmpty && rows.allSatisfy(\.agrees) }

    /// What the back end has, and what it should have.
    struct Comparison: Sendable {
        var arrived: ArrivedTransactions
        var expected: ExpectedDay
    }

    init(_ plan: DayPlan, _ player: DayPlayer, _ comparison: Comparison?, took: Duration) {
        let tally = player.tally
        let figures = comparison?.expected.figures
        rows =
            [
                Row("sales and returns in", tally.sales, figures?.sales),
                Row("matched to members", tally.matched, figures?.matched),
                Row("cards nobody knows", tally.unknownCards, figures?.unknownCards),
            ] + Self.rows(of: plan, tally) + (comparison.map(Self.rows(of:)) ?? [])
            + [
                Row(name: "answer, median", found: Self.milliseconds(player.answers.latency(percent: 50))),
                Row(name: "answer, p99", found: Self.milliseconds(player.answers.latency(percent: 99))),
                Row(name: "time", found: "\(took.components.seconds) s"),
            ]
        problems = tally.problems + (comparison.map { $0.arrived.differences(from: $0.expected) } ?? [])
    }

    /// What the plan itself asks for.
    private static func rows(of plan: DayPlan, _ tally: DayTally) -> [Row] {
        var duplicates = 0
        var refusals: [String: Int] = [:]
        for step in plan.steps {
            if case .resend = step { duplicates += 1 }
            if case .scan(_, .refused(let reason)) = step { refusals[reason.rawValue, default: 0] += 1 }
        }
        return [Row("sent twice, kept once", tally.duplicates, duplicates)]
            + Set(refusals.keys).union(tally.refused.keys).sorted().map { reason in
                Row("refused: \(reason)", tally.refused[reason] ?? 0, refusals[reason] ?? 0)
            }
    }

    private static func rows(of comparison: Comparison) -> [Row] {
        let (arrived, figures) = (comparison.arrived, comparison.expected.figures)
        return [
            Row(name: "points earned", found: arrived.earned.description, expected: figures.pointsEarned.description),
            Row(
                name: "points taken back", found: arrived.takenBack.description,
                expected: figures.pointsTakenBack.description),
            Row(name: "transactions delivered", found: String(arrived.count)),
        ]
    }

    private static func milliseconds(_ microseconds: Int64?) -> String {
        guard let microseconds, let text = try? DecimalNumber(coefficient: microseconds, scale: 3) else { return "-" }
        return "\(text) ms"
    }

    var text: String {
        var text = padding("", 28) + leading("loyaltyd", 12) + leading("expected", 12) + "\n"
        for row in rows {
            text += padding(row.name, 28) + leading(row.found, 12) + leading(row.expected ?? "", 12)
            text += (row.expected == nil ? "" : row.agrees ? "  ok" : "  DIFFERS") + "\n"
        }
        for problem in problems.prefix(20) { text += "  problem: \(problem)\n" }
        if problems.count > 20 { text += "  and \(problems.count - 20) more\n" }
        return text
    }

    private func leading(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.count)) + text
    }
}
