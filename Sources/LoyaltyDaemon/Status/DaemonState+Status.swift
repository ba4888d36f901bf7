internal import ControlAPI
internal import LoyaltyModel
internal import Storage
internal import UpstreamSync

#if canImport(Glibc)
internal import Glibc
#endif

extension DaemonState {
    func status() async throws -> StatusReport {
        let now = parts.clock.now
        let figures = try await register.figures(of: today)
        let depth = try await outbox.depth()
        let lanes = await parts.lanes.snapshot()
        var report = StatusReport(state: .ok, reason: "")
        report.now = now
        report.version = parts.version
        report.terminal = parts.database.terminal
        report.uptimeSeconds = parts.clock.monotonic.since(parts.startedAt).components.seconds
        report.program = lanes.program
        report.training = lanes.training
        report.readers = parts.readers.reports
        report.till = TillReport(
            state: lanes.refusing ? .refusing : lanes.connections > 0 ? .connected : .waiting,
            listening: [parts.settings.till.socketPath], connections: lanes.connections,
            lastEventAt: lanes.lastEventAt,
            results: lanes.results.sorted { $0.key < $1.key }.map { ReasonCount(reason: $0.key, count: $0.value) })
        report.members = try await memberCount()
        report.queue = QueueReport(
            waiting: depth.ready, dead: depth.dead, oldestAt: depth.oldestReady,
            deliveredToday: try await outbox.deliveredCount(since: startOfToday(now)))
        report.upstream = upstream(now)
        report.today = todayReport(figures, currency: lanes.primaryCurrency)
        report.disk = disk()
        report.answerTime = lanes.answerTime
        report.counters = figures.counts.sorted { $0.key < $1.key }.map {
            CounterSample(name: "events_today", labels: ["name": $0.key], value: Int64($0.value))
        }
        report.attention = attention(report, figures, now)
        judge(&report)
        return report
    }

    private func judge(_ report: inout StatusReport) {
        if let first = report.attention.first {
            report.state = .attention
            report.reason =
                report.attention.count == 1
                ? first.message : "\(first.message), and \(report.attention.count - 1) more"
        } else {
            let ready = report.readyReaders
            report.reason =
                (ready == 1 ? "1 reader" : "\(ready) readers") + ", \(report.queue.waiting) queued, upstream "
                + report.upstream.state.rawValue
        }
        report.since = since(report.state, report.reason)
    }

    private func startOfToday(_ now: Timestamp) -> Timestamp {
        let local = parts.settings.site.zone.local(now)
        return now.adding(seconds: -Int64(local.timeOfDay.secondsSinceMidnight))
    }

    private func upstream(_ now: Timestamp) -> UpstreamReport {
        guard let service = parts.upstream else { return UpstreamReport(state: .off) }
        let status = service.status
        let state: UpstreamReport.State =
            switch status.state {
            case .off: .off
            case .idle, .delivering: status.lastSuccess == nil && status.lastFailure == nil ? .unknown : .online
            case .retrying: status.failuresInARow == 0 ? .online : .offline
            case .paused: .unauthorized
            }
        let message = status.failuresInARow > 0 || status.state == .paused ? status.lastFailure?.message : nil
        return UpstreamReport(
            state: state, since: state == .online ? nil : status.lastSuccess,
            target: parts.settings.upstream?.url, lastSuccessAt: status.lastSuccess,
            lastError: message ?? status.reason, nextTryAt: status.nextAttempt,
            clockSkewSeconds: status.clockSkewSeconds)
    }

    private func todayReport(_ figures: SalesRegister.DayFigures, currency: String) -> TodayReport {
        var report = TodayReport(businessDay: today, sales: figures.sales, withMember: figures.matched)
        report.pointsGiven = [PointsAmount(currency: currency, points: figures.given)]
        report.pointsTaken = [PointsAmount(currency: currency, points: figures.takenBack)]
        report.returns = figures.counts["sale.return"] ?? 0
        report.scans = figures.counts["scan.all"] ?? 0
        report.lateCards = figures.counts["sale.late_card"] ?? 0
        report.refused = figures.counts.filter { $0.key.hasPrefix("refused.") }.sorted { $0.key < $1.key }
            .map { ReasonCount(reason: String($0.key.dropFirst("refused.".count)), count: $0.value) }
        return report
    }

    private func disk() -> DiskReport {
        var status = statvfs()
        let free =
            statvfs(parts.settings.stateDirectory, &status) == 0
            ? Int64(clamping: UInt64(status.f_bavail) &* UInt64(status.f_frsize)) : nil
        return DiskReport(
            usedBytes: parts.database.sizeInBytes, budgetBytes: parts.settings.storageBudget, freeBytes: free)
    }

    /// What a person should look at, the most urgent first.
    private func attention(
        _ report: StatusReport, _ figures: SalesRegister.DayFigures, _ now: Timestamp
    ) -> [AttentionItem] {
        var items: [AttentionItem] = []
        func add(_ code: String, _ message: String, _ remedy: String? = nil, since: Timestamp? = nil) {
            items.append(AttentionItem(code: code, message: message, remedy: remedy, since: since))
        }
        if let disk = report.disk {
            if disk.usedBytes >= disk.budgetBytes {
                add(
                    "disk.full", "new sales are refused: the database has reached its budget",
                    "Raise storage.budget_megabytes, or get the queue delivered")
            } else if disk.usedBytes * 5 >= disk.budgetBytes * 4 {
                add("disk.budget", "the database has used 80 % of its budget", "Raise storage.budget_megabytes")
            }
        }
        if report.upstream.state == .unauthorized {
            add(
                "upstream.unauthorized", report.upstream.lastError ?? "the back end refuses this terminal",
                "Check upstream.token_file", since: report.upstream.since)
        }
        if let oldest = report.queue.oldestAt, now.adding(seconds: -15 * 60) > oldest {
            add(
                "queue.old", "\(report.queue.waiting) transactions have been waiting for the back end",
                report.upstream.lastError, since: oldest)
        }
        if report.queue.dead > 0 {
            add(
                "queue.dead", "the back end rejected \(report.queue.dead) transactions",
                "loyaltyctl queue list --state dead, then loyaltyctl queue retry")
        }
        for reader in report.readers where reader.state == .trouble {
            add("reader.trouble", "\(reader.name): \(reader.problem ?? "not working")", reader.remedy)
        }
        for reader in report.readers where reader.state == .gone {
            add("reader.gone", "\(reader.name) was unplugged", "Plug it in again")
        }
        if (figures.counts["event.number_reused"] ?? 0) > 0 {
            add("till.number_reused", "a till used a transaction number twice today", "Check the till's number range")
        }
        if (figures.counts["event.id_conflict"] ?? 0) > 0 {
            add("till.id_conflict", "a till sent other content under a known event id", "See loyaltyctl sales list")
        }
        if report.training {
            add("till.training", "a till is in training mode; its sales do not count", "End training mode at the till")
        }
        return items
    }
}
