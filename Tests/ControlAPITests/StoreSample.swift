import ControlAPI
import LoyaltyModel

/// An afternoon at a store, as the daemon would tell it.
enum StoreSample {
    static func status() throws -> StatusReport {
        var status = StatusReport(
            state: .attention,
            reason: "One transaction was refused by the back end.",
            since: try Timestamp("2024-05-14T14:52:00.000+01:00"),
            now: try Timestamp("2024-05-14T15:07:09.000+01:00"))
        status.version = "1.0.0"
        status.terminal = "t-5f3a9c"
        status.uptimeSeconds = 284_211
        status.program = ProgramIdentity(
            name: "Green Points", version: "2024.2", hash: "9f2c4d6a8b0e1f3a5c7d9e0b2a4c6e8f")
        status.readers = try readers()
        status.till = TillReport(
            state: .connected, listening: ["unix:/run/loyaltyd/till.sock"], connections: 1,
            lastEventAt: try Timestamp("2024-05-14T15:06:58.000+01:00"),
            results: [ReasonCount(reason: "accepted", count: 1_482), ReasonCount(reason: "quarantined", count: 1)])
        status.members = MemberCount(
            members: 48_213, cards: 51_077, asOf: try Timestamp("2024-05-14T14:30:00.000+01:00"), source: "feed")
        status.queue = QueueReport(
            waiting: 3, held: 1, dead: 1, oldestAt: try Timestamp("2024-05-14T14:51:40.000+01:00"), deliveredToday: 311)
        status.upstream = UpstreamReport(
            state: .online, since: try Timestamp("2024-05-14T06:58:12.000+01:00"), target: "https://points.example",
            lastSuccessAt: try Timestamp("2024-05-14T15:07:01.000+01:00"))
        status.today = TodayReport(
            businessDay: try CalendarDate("2024-05-14"), sales: 412, withMember: 317)
        status.today.pointsGiven = [PointsAmount(currency: "points", points: try Points("6284"))]
        status.today.pointsTaken = [PointsAmount(currency: "points", points: try Points("112"))]
        status.today.returns = 6
        status.today.scans = 334
        status.today.refused = [
            ReasonCount(reason: "payment_card", count: 2), ReasonCount(reason: "not_a_loyalty_card", count: 5),
        ]
        status.attention = [
            AttentionItem(
                code: "queue.dead", message: "The back end refused one transaction: member is closed.",
                remedy: "See loyaltyctl queue list --state dead; correct it there, then loyaltyctl queue retry.",
                since: try Timestamp("2024-05-14T14:52:00.000+01:00"))
        ]
        status.answerTime = LatencyReport(
            count: 334, medianMicroseconds: 180, p99Microseconds: 640, maximumMicroseconds: 910)
        status.counters = [
            CounterSample(name: "scans_total", labels: ["reader": "usb-1-1.2:0", "class": "member"], value: 9_120)
        ]
        return status
    }

    static func readers() throws -> [ReaderReport] {
        var scanner = ReaderReport(id: ReaderID("usb-1-1.2:0"), name: "Honeywell Voyager 1450g", state: .ready)
        scanner.usb = "0c2e:0b61"
        scanner.driver = "keyboard"
        scanner.readsToday = 331
        scanner.refusedToday = 7
        scanner.lastReadAt = try Timestamp("2024-05-14T15:06:41.000+01:00")
        var stripe = ReaderReport(id: ReaderID("usb-1-1.3:0"), name: "MagTek SureSwipe", state: .trouble)
        stripe.usb = "0801:0002"
        stripe.driver = "magtek"
        stripe.readsToday = 3
        stripe.problem = "Another program holds it"
        stripe.remedy = "unplug it and plug it in again"
        return [scanner, stripe]
    }

    static func sales() throws -> [SaleDetail] {
        let pounds = try Currency("GBP")
        func summary(
            _ number: String, _ time: String, _ total: String, _ badge: SaleSummary.Badge, _ points: String?,
            member: TillAnswer.MemberSummary?, _ delivery: DeliveryState
        ) throws -> SaleSummary {
            var sale = SaleSummary(
                reference: "s-5f3a9c.\(number)", store: "300", register: "3", number: number,
                time: try Timestamp("2024-05-14T\(time):12.000+01:00"), total: try Money(total, pounds), badge: badge,
                delivery: delivery)
            sale.member = member
            sale.points = try points.map { [PointsAmount(currency: "points", points: try Points($0))] } ?? []
            return sale
        }
        let gold = TillAnswer.MemberSummary(id: "m-20418837", tier: "gold", card: "…0017")
        let unknown = TillAnswer.MemberSummary(card: "…4420", unverified: true)
        var back = try summary("0419", "14:58", "-18.00", .reversed, "-36", member: gold, .delivered)
        back.kind = .return
        var held = try summary("0421", "15:02", "7.80", .held, "7", member: unknown, .held)
        held.flags = ["totals_mismatch"]
        return [
            try detail(try summary("0422", "15:06", "41.27", .ok, "82", member: gold, .waiting), pounds),
            SaleDetail(summary: held),
            SaleDetail(summary: try summary("0420", "15:00", "3.15", .noMember, nil, member: nil, .none)),
            SaleDetail(summary: back),
            SaleDetail(summary: try summary("0418", "14:51", "1204.00", .ok, "1204", member: gold, .dead)),
        ]
    }

    private static func detail(_ summary: SaleSummary, _ pounds: Currency) throws -> SaleDetail {
        func share(_ points: String) throws -> [PointsAmount] {
            [PointsAmount(currency: "points", points: try Points(points))]
        }
        let steps = [
            TraceStep(
                rule: "base", matched: true, reason: "1 point per whole pound on eligible lines", points: "41",
                lines: [
                    .init(line: "1", basis: "33.47", points: "33.47"), .init(line: "2", basis: "7.80", points: "7.80"),
                ]),
            TraceStep(rule: "gold-double", matched: true, reason: "Gold members get the base again", points: "41"),
            TraceStep(rule: "wine-weekend", matched: false, reason: "Tuesday is outside of Friday to Sunday"),
        ]
        let accrual = Accrual(
            currency: "points", total: try Points("82"), qualifying: try Points("41"),
            lines: [
                .init(line: "1", points: try Points("66")), .init(line: "2", points: try Points("16")),
            ])
        let transaction = TransactionReport(
            id: "t-5f3a9c.1190", kind: .accrual, accruals: [accrual],
            program: ProgramIdentity(name: "Green Points", version: "2024.2", hash: "9f2c4d6a"), trace: steps,
            recordedAt: summary.time, delivery: .waiting)
        return SaleDetail(
            summary: summary,
            lines: [
                SaleDetail.Line(
                    id: "1", name: "Olive oil 5 l", quantity: .one, amount: try Money("33.47", pounds),
                    points: try share("66")),
                SaleDetail.Line(
                    id: "2", kind: .weighted, name: "Comté", quantity: try Quantity("0.312"),
                    amount: try Money("7.80", pounds), points: try share("16")),
                SaleDetail.Line(
                    id: "3", kind: .deposit, name: "Bottle deposit", quantity: .one, amount: .zero(pounds),
                    excluded: "deposits earn nothing"),
            ],
            transactions: [transaction])
    }

    static func events() throws -> [QueueItem] {
        let time = try Timestamp("2024-05-14T14:51:40.000+01:00")
        var dead = QueueItem(id: "t-5f3a9c.1187", state: .dead, createdAt: time, attempts: 3)
        dead.kind = .accrual
        dead.member = MemberID("m-20418837")
        dead.sale = "s-5f3a9c.0418"
        dead.points = [PointsAmount(currency: "points", points: try Points("1204"))]
        dead.reason = "410 member is closed"
        dead.payload = #"{"id":"t-5f3a9c.1187"}"#
        return [dead, QueueItem(id: "t-5f3a9c.1190", state: .waiting, createdAt: time)]
    }

    static func store() throws -> StoreState {
        StoreState(report: try status(), sales: try sales(), events: try events())
    }
}
