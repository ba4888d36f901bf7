internal import ControlAPI
internal import LoyaltyModel
internal import Storage

extension DaemonState {
    func sales(limit: Int, before: String?) async throws -> [SaleSummary] {
        try await register.recent(limit: limit, before: before).map(summary)
    }

    func claim(_ request: ClaimRequest, by user: UInt32?) async throws -> ClaimResult {
        let finding: MemberCache.Finding?
        if let text = request.card {
            guard let card = CardNumber(text) else {
                throw LoyaltyError(.controlBadRequest, "that is not a card number")
            }
            finding = try await cache.find(card)
        } else {
            finding = nil
        }
        var member = finding?.member
        if let id = request.member { member = try await cache.member(id) }
        guard let member, case .active = member.status else {
            throw LoyaltyError(.controlNotFound, "there is no member that could have the points")
        }
        let attachment = CardAttachment(token: finding?.token, member: member.id, number: nil)
        return try await parts.lanes.claim(request.receipt, for: attachment, by: user)
    }

    func journal(after number: Int64, limit: Int) async throws -> [JournalSale] {
        try await register.journal(after: number, limit: limit).map { sale in
            var member = sale.member
            // Nobody's business but the display's.
            member?.greeting = nil
            return JournalSale(
                number: sale.number, sale: sale.sale, businessDay: sale.businessDay, closedAt: sale.closedAt,
                member: member, hasCard: sale.hasCard)
        }
    }

    func sale(_ reference: String) async throws -> SaleDetail? {
        guard let detail = try await register.detail(reference) else { return nil }
        var summary = summary(detail.row)
        let own = detail.transactions.filter { $0.recipient == nil }
        summary.points = net(own)
        let items = try await outbox.list(sale: detail.row.reference)
        let transactions = detail.transactions.map { transaction in
            let item = items.first { $0.id == transaction.id }
            var report = TransactionReport(
                id: transaction.id, kind: transaction.kind, accruals: transaction.accruals,
                program: transaction.program,
                trace: transaction.trace, recordedAt: transaction.recordedAt,
                delivery: item.map { DeliveryState($0.state) } ?? .none, attempts: item?.attempts ?? 0,
                deliveredAt: item?.state == .sent ? item?.settledAt : nil, answer: item?.lastError ?? item?.warning)
            (report.lots, report.rewards) = (transaction.lots, transaction.rewards)
            report.recipient = transaction.recipient
            report.account = transaction.recipient.flatMap { _ in transaction.beneficiary ?? transaction.member?.value }
            report.forward = transaction.forward
            return report
        }
        let lines = detail.document.lines.map { line in
            SaleDetail.Line(
                id: line.id, kind: line.kind, name: line.name, code: line.code?.value, quantity: line.quantity,
                amount: line.amount, points: points(of: line.id, own),
                excluded: exclusion(of: line.id, detail.transactions))
        }
        return SaleDetail(
            summary: summary, lines: lines, transactions: transactions, links: detail.document.links)
    }

    private func summary(_ row: SalesRegister.Row) -> SaleSummary {
        let delivery: DeliveryState =
            switch row.delivery {
            case "sent": .delivered
            case "ready": .waiting
            case "dead": .dead
            default: .none
            }
        let badge: SaleSummary.Badge =
            if row.state == "voided" {
                .reversed
            } else if row.flags.contains("suspected_duplicate") {
                .duplicate
            } else if !row.hasCard {
                .noMember
            } else if delivery == .dead {
                .held
            } else {
                .ok
            }
        var summary = SaleSummary(
            reference: row.reference, store: row.store, register: row.register, number: row.number, time: row.closedAt,
            total: row.total, badge: badge, delivery: delivery)
        summary.kind = row.kind
        summary.state = row.state == "voided" ? .voided : .completed
        summary.receipt = row.receipt
        summary.businessDay = row.businessDay
        summary.flags = row.flags
        if row.hasCard { summary.member = TillAnswer.MemberSummary(id: row.member, unverified: row.member == nil) }
        if let points = row.points { summary.points = [PointsAmount(currency: row.currency, points: points)] }
        return summary
    }

    private func net(_ transactions: [LoyaltyTransaction]) -> [PointsAmount] {
        let earning = transactions.filter { $0.kind.isEarning }
        return sum(earning.flatMap(\.accruals).map { ($0.currency, $0.total) })
    }

    private func points(of line: String, _ transactions: [LoyaltyTransaction]) -> [PointsAmount] {
        sum(
            transactions.flatMap(\.accruals).flatMap { accrual in
                accrual.lines.filter { $0.line == line }.map { (accrual.currency, $0.points) }
            })
    }

    /// A sum that does not fit is left out of the picture; the ledger itself holds every entry.
    private func sum(_ amounts: [(String, Points)]) -> [PointsAmount] {
        var sums: [PointsAmount] = []
        for (currency, points) in amounts {
            if let index = sums.firstIndex(where: { $0.currency == currency }) {
                if let total = try? sums[index].points.adding(points) { sums[index].points = total }
            } else {
                sums.append(PointsAmount(currency: currency, points: points))
            }
        }
        return sums
    }

    /// A line is shown as left out where every rule that looked at it left it out.
    private func exclusion(of line: String, _ transactions: [LoyaltyTransaction]) -> String? {
        let looks = transactions.flatMap(\.trace).flatMap(\.lines).filter { $0.line == line }
        guard !looks.isEmpty, looks.allSatisfy({ $0.excluded != nil }) else { return nil }
        return looks.first?.excluded
    }
}
