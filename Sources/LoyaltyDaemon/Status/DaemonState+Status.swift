internal import ControlAPI
internal import EarnRules
internal import LoyaltyModel
internal import Storage
internal import TillFeed
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
        report.nextProgram = lanes.nextProgram.map {
            NextProgram(
                name: $0.identity.name, version: $0.identity.version, hash: $0.identity.hash,
                effective: $0.effective.description)
        }
        report.training = lanes.training
        report.readers = readerReports
        report.till = TillReport(
            state: lanes.refusing ? .refusing : lanes.connections > 0 ? .connected : .waiting,
            listening: [parts.settings.till.socketPath] + (parts.settings.till.tcp.map { ["\($0)"] } ?? []),
            connections: lanes.connections,
            lastEventAt: lanes.lastEventAt,
            results: lanes.results.sorted { $0.key < $1.key }.map { ReasonCount(reason: $0.key, count: $0.value) },
            missingEvents: lanes.sequences.values.reduce(0) {
                $0.addingReportingOverflow($1.missingCount).partialValue
            },
            sources: Self.sources(figures.counts))
        report.members = try await memberCount()
        report.queue = QueueReport(
            waiting: depth.ready, dead: depth.dead, oldestAt: depth.oldestReady,
            deliveredToday: try await outbox.deliveredCount(since: parts.settings.site.startOfBusinessDay(now)))
        report.upstream = upstream(now)
        report.today = todayReport(figures, currency: lanes.primaryCurrency)
        report.disk = disk()
        report.answerTime = lanes.answerTime
        report.counters = figures.counts.sorted { $0.key < $1.key }.map {
            CounterSample(name: "events_today", labels: ["name": $0.key], value: Int64($0.value))
        }
        report.attention =
            parts.concerns.all + attention(report, figures, now) + gapAttention(lanes) + readerAttention(report, lanes)
        judge(&report)
        return report
    }

    /// With the register that a reader serves, by rule or by the setting for all.
    var readerReports: [ReaderReport] {
        parts.readers.begin(today)
        return parts.readers.reports.map { report in
            var report = report
            report.register = report.register ?? parts.settings.till.register
            return report
        }
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

    private func upstream(_ now: Timestamp) -> UpstreamReport {
        guard let service = parts.upstream else { return UpstreamReport(state: .off) }
        let status = service.status
        let state = UpstreamReport.State(status)
        return UpstreamReport(
            state: state, since: state == .online ? nil : status.lastSuccess,
            // A query may hold a key.
            target: parts.settings.upstream.map { String($0.url.prefix { $0 != "?" }) },
            lastSuccessAt: status.lastSuccess,
            lastError: status.openFailure?.message ?? status.reason, nextTryAt: status.nextAttempt,
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
            usedBytes: parts.database.sizeInBytes, budgetBytes: parts.settings.storage.budget, freeBytes: free)
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
            if let free = disk.freeBytes, free < Self.leastFreeBytes {
                add(
                    "disk.free", "the disk has only \(free / 1_048_576) MB left",
                    "Make room on the file system of \(parts.settings.stateDirectory)")
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
        if (figures.counts["event.number_reused"] ?? 0) > 0 {
            add("till.number_reused", "a till used a transaction number twice today", "Check the till's number range")
        }
        if (figures.counts["event.id_conflict"] ?? 0) > 0 {
            add("till.id_conflict", "a till sent other content under a known event id", "See loyaltyctl sales list")
        }
        if let lines = figures.counts["event.quarantined"], lines > 0 {
            add(
                "till.quarantined", "\(lines) lines of the till could not be understood today",
                "loyaltyctl till quarantine shows them, with what is wrong and where")
        }
        let signs = figures.counts.filter { $0.key.hasPrefix(Ledger.signPrefix) }.sorted { $0.key < $1.key }
        if !signs.isEmpty {
            let names = signs.map { "\($0.value) \($0.key.dropFirst(Ledger.signPrefix.count))" }
            add(
                "sales.signs", "sales of today show signs of misused cards: \(names.joined(separator: ", "))",
                "loyaltyctl sales list shows them by their flags; docs/manager.md says what each one means")
        }
        if report.training {
            add("till.training", "a till is in training mode; its sales do not count", "End training mode at the till")
        }
        return items
    }

    private static func sources(_ counts: [String: Int]) -> [SourceCount] {
        counts.filter { $0.key.hasPrefix(SourceTally.salesPrefix) }.sorted { $0.key < $1.key }.map { name, sales in
            let source = String(name.dropFirst(SourceTally.salesPrefix.count))
            return SourceCount(
                source: source, sales: sales, mismatches: counts[SourceTally.mismatchPrefix + source] ?? 0)
        }
    }

    private func gapAttention(_ lanes: LaneService.Snapshot) -> [AttentionItem] {
        let gaps = lanes.sequences.filter { $0.value.missingCount > 0 }.sorted { $0.key.source < $1.key.source }
        return gaps.prefix(3).map { key, gaps in
            let numbers = gaps.missing.suffix(3).map { gap in
                gap.lowerBound == gap.upperBound ? "\(gap.lowerBound)" : "\(gap.lowerBound) to \(gap.upperBound)"
            }
            return AttentionItem(
                code: "till.events_missing",
                message:
                    "\(gaps.missingCount) events of till \(key.source) never came: \(numbers.joined(separator: ", "))",
                remedy: "Let the till send its journal again; what is known is not counted twice")
        }
    }

    private static let leastFreeBytes: Int64 = 64 * 1_048_576

    private func readerAttention(_ report: StatusReport, _ lanes: LaneService.Snapshot) -> [AttentionItem] {
        var items: [AttentionItem] = []
        for reader in report.readers where reader.state == .trouble {
            items.append(
                AttentionItem(
                    code: "reader.trouble", message: "\(reader.name): \(reader.problem ?? "not working")",
                    remedy: reader.remedy))
        }
        for reader in report.readers where reader.state == .gone {
            items.append(
                AttentionItem(
                    code: "reader.gone", message: "\(reader.name) was unplugged", remedy: "Plug it in again"))
        }
        for reader in report.readers where reader.state == .ready {
            guard let problem = reader.problem else { continue }
            items.append(
                AttentionItem(code: "reader.notice", message: "\(reader.name): \(problem)", remedy: reader.remedy))
        }
        if items.isEmpty, report.readyReaders == 0, parts.settings.readers.backend == .usb {
            items.append(
                AttentionItem(
                    code: "reader.none", message: "no card reader is connected",
                    remedy: "Plug one in; where the till reads the cards, write readers.backend = \"none\""))
        }
        let registers = lanes.registers.sorted()
        guard !registers.isEmpty else { return items }
        let names = registers.prefix(3).joined(separator: ", ")
        for reader in report.readers where reader.state == .ready {
            if let register = reader.register {
                guard !lanes.registers.contains(register) else { continue }
                items.append(
                    AttentionItem(
                        code: "reader.other_register",
                        message:
                            "\(reader.name) serves register \(register), but the till sends sales of register \(names)",
                        remedy: "Write the till's register into till.register, or into the reader's section"))
            } else if registers.count > 1 {
                items.append(
                    AttentionItem(
                        code: "reader.unassigned",
                        message: "\(reader.name) belongs to no register, and there are several: \(names)",
                        remedy: "Write a [[readers.device]] section with its register"))
            }
        }
        return items
    }
}

extension UpstreamReport.State {
    init(_ status: UpstreamStatus) {
        switch status.state {
        case .off: self = .off
        case .paused: self = .unauthorized
        // Also while it is tried once more: that it is there again shows when it takes something.
        case .delivering where status.failuresInARow > 0, .retrying where status.failuresInARow > 0: self = .offline
        case .retrying: self = .online
        case .idle, .delivering: self = status.lastSuccess == nil && status.lastFailure == nil ? .unknown : .online
        }
    }
}
