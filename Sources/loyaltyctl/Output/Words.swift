import ControlAPI
import LoyaltyModel

/// Instants, ages and amounts as people read them.
enum Words {
    /// `14:52` by the clock that wrote it; with the day where that is not today's.
    static func instant(_ stamp: Timestamp, now: Timestamp?) -> String {
        let time = String(stamp.description.dropFirst(11).prefix(5))
        guard let now, now.at(offsetMinutes: stamp.offsetMinutes).date == stamp.date else {
            return "\(stamp.date) \(time)"
        }
        return time
    }

    /// `15 min`. Nothing where either instant is not known.
    static func age(_ stamp: Timestamp?, now: Timestamp?) -> String? {
        guard let stamp, let now else { return nil }
        let (age, overflow) = now.microseconds.subtractingReportingOverflow(stamp.microseconds)
        return overflow ? nil : span(seconds: max(0, age / 1_000_000))
    }

    static func span(seconds: Int64) -> String {
        switch seconds {
        case ..<60: "\(seconds) s"
        case ..<3_600: "\(seconds / 60) min"
        case ..<172_800: "\(seconds / 3_600) h \(seconds % 3_600 / 60) min"
        default: "\(seconds / 86_400) days"
        }
    }

    /// `1 234 567`.
    static func grouped(_ number: Int) -> String {
        let digits = Array(String(number.magnitude))
        var text = number < 0 ? "-" : ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index).isMultiple(of: 3) { text += " " }
            text.append(digit)
        }
        return text
    }

    static func count(_ number: Int, _ singular: String, _ plural: String) -> String {
        "\(grouped(number)) \(number == 1 ? singular : plural)"
    }

    /// `82`, `-36`, `82 + 5 stars`; a dash for none.
    static func points(_ amounts: [PointsAmount]) -> String {
        let texts = amounts.filter { !$0.points.isZero }.map { amount in
            amount.currency == "points" ? "\(amount.points)" : "\(amount.points) \(amount.currency)"
        }
        return texts.isEmpty ? "-" : texts.joined(separator: " + ")
    }

    static func plain(_ word: String) -> String { String(word.map { $0 == "_" ? " " : $0 }) }

    static func reasons(_ counts: [ReasonCount]) -> String {
        counts.filter { $0.count > 0 }.map { "\($0.count) \(plain($0.reason))" }.joined(separator: ", ")
    }

    static func member(_ member: TillAnswer.MemberSummary?) -> String {
        guard let member else { return "-" }
        let parts = [member.tier, member.card, member.id ?? (member.unverified ? "not known here" : nil)]
        return parts.compactMap { $0 }.joined(separator: " ")
    }

    static func delivery(_ state: DeliveryState) -> TextTable.Cell {
        switch state {
        case .none: TextTable.Cell("-", .faint)
        case .waiting: TextTable.Cell("waiting")
        case .held: TextTable.Cell("held", .warning)
        case .dead: TextTable.Cell("dead", .bad)
        case .delivered: TextTable.Cell("delivered", .good)
        }
    }
}
