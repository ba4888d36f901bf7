import LoyaltyModel

/// The figures of a status report in Prometheus text format 0.0.4
/// (https://prometheus.io/docs/instrumenting/exposition_formats/).
enum MetricsText {
    static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    static func render(_ status: StatusReport) -> String {
        var text = Exposition()
        for word in StatusReport.Word.allCases {
            text.gauge("state", ["state": word.rawValue], status.state == word ? 1 : 0)
        }
        text.gauge("uptime_seconds", status.uptimeSeconds)
        text.gauge("training", status.training ? 1 : 0)
        text.gauge("attention_items", Int64(clamping: status.attention.count))
        text.gauge("readers", Int64(clamping: status.readers.count))
        text.gauge("readers_up", Int64(clamping: status.readyReaders))
        text.gauge("till_connections", Int64(clamping: status.till.connections))
        text.gauge("members", Int64(clamping: status.members.members))
        text.gauge("member_cards", Int64(clamping: status.members.cards))
        text.gauge("cache_age_seconds", status.age(of: status.members.asOf))
        text.gauge("outbox_depth", ["state": "waiting"], Int64(clamping: status.queue.waiting))
        text.gauge("outbox_depth", ["state": "held"], Int64(clamping: status.queue.held))
        text.gauge("outbox_depth", ["state": "dead"], Int64(clamping: status.queue.dead))
        text.gauge("outbox_oldest_seconds", status.queue.oldestAt == nil ? 0 : status.age(of: status.queue.oldestAt))
        text.gauge("upstream_up", status.upstream.state == .online ? 1 : 0)
        text.gauge("disk_used_bytes", status.disk?.usedBytes)
        text.gauge("disk_budget_bytes", status.disk?.budgetBytes)
        renderToday(status.today, into: &text)
        renderAnswerTime(status.answerTime, into: &text)
        for sample in status.counters { text.sample(sample.name, "counter", sample.labels, "\(sample.value)") }
        return text.text
    }

    private static func renderToday(_ today: TodayReport, into text: inout Exposition) {
        text.gauge("today_sales", Int64(clamping: today.sales))
        text.gauge("today_sales_with_member", Int64(clamping: today.withMember))
        text.gauge("today_returns", Int64(clamping: today.returns))
        text.gauge("today_scans", Int64(clamping: today.scans))
        for refused in today.refused {
            text.gauge("today_scans_refused", ["reason": refused.reason], Int64(clamping: refused.count))
        }
        for given in today.pointsGiven {
            text.sample("today_points_given", "gauge", ["currency": given.currency], given.points.description)
        }
        for taken in today.pointsTaken {
            text.sample("today_points_taken", "gauge", ["currency": taken.currency], taken.points.description)
        }
    }

    private static func renderAnswerTime(_ time: LatencyReport?, into text: inout Exposition) {
        guard let time else { return }
        let name = "scan_answer_microseconds"
        text.gauge(name, ["quantile": "0.5"], time.medianMicroseconds)
        text.gauge(name, ["quantile": "0.99"], time.p99Microseconds)
        text.gauge(name, ["quantile": "1"], time.maximumMicroseconds)
    }
}

extension StatusReport {
    /// Seconds between an instant and the report; nil where either is not known.
    func age(of instant: Timestamp?) -> Int64? {
        guard let instant, let now else { return nil }
        let (age, overflow) = now.microseconds.subtractingReportingOverflow(instant.microseconds)
        return overflow ? nil : max(0, age / 1_000_000)
    }
}

/// Lines of the exposition format; the type of a metric stands once, before its first sample.
private struct Exposition {
    var text = ""
    private var typed: Set<String> = []

    mutating func gauge(_ name: String, _ value: Int64?) { gauge(name, [:], value) }

    mutating func gauge(_ name: String, _ labels: [String: String], _ value: Int64?) {
        guard let value else { return }
        sample(name, "gauge", labels, "\(value)")
    }

    mutating func sample(_ name: String, _ type: String, _ labels: [String: String], _ value: String) {
        let name = "loyaltyd_" + name
        if typed.insert(name).inserted { text += "# TYPE \(name) \(type)\n" }
        let pairs = labels.sorted { $0.key < $1.key }.map { "\($0.key)=\"\(Self.escaped($0.value))\"" }
        text += pairs.isEmpty ? "\(name) \(value)\n" : "\(name){\(pairs.joined(separator: ","))} \(value)\n"
    }

    private static func escaped(_ value: String) -> String {
        var escaped = ""
        for character in value.unicodeScalars {
            switch character {
            case "\\": escaped += "\\\\"
            case "\"": escaped += "\\\""
            case "\n": escaped += "\\n"
            default: escaped.unicodeScalars.append(character)
            }
        }
        return escaped
    }
}
