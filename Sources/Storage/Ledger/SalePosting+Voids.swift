internal import Crypto
internal import EarnRules
internal import Foundation
internal import GRDB
internal import LoyaltyModel

/// A stored sale that a link may mean.
struct NamedSale {
    var id: Int64
    var reference: String
    var businessDay: String
    var closedAt: Timestamp
    var total: Int64
    var holder: Holder?
}

extension SalePosting {
    /// Voids a finished sale: takes back all that is left of it, and gives back what it took as a return. One that has not
    /// arrived yet will earn nothing.
    mutating func void(_ digest: Data) throws {
        outcome = LedgerOutcome(decision: .voided, flags: submission.flags)
        presenter = nil
        let link = sale.links.first { $0.relation == .voids }
        let target =
            link.map(resolved)
            ?? SaleLink(
                relation: .voids, store: sale.store, register: sale.register, businessDay: submission.businessDay,
                number: sale.number, uid: sale.uid)
        let mark = voidMark(digest, target)
        if let reference = try String.fetchOne(
            database.cachedStatement(sql: "SELECT reference FROM sale WHERE void_digest = ?"), arguments: [mark])
        {
            outcome.decision = .duplicate
            outcome.sale = reference
            return
        }
        guard target.number != nil || target.uid != nil else { return raise("voids_unknown_sale") }
        let candidates = try salesToVoid(target, link)
        guard let known = candidates.first else {
            raise("voids_unknown_sale")
            return try keepTombstone(target, link != nil, mark)
        }
        guard candidates.count == 1 else { return raise("ambiguous_void") }
        try void(known, mark)
    }

    mutating func void(_ known: NamedSale, _ mark: Data) throws {
        outcome.sale = known.reference
        try database.execute(
            sql: "UPDATE sale SET state = 'voided', void_digest = coalesce(void_digest, ?) WHERE id = ?",
            arguments: [mark, known.id])
        var changes = PointChanges()
        try releaseReturns(of: known.id, &changes)
        for var line in try StoredLine.fetch(database, where: "sale_line.sale_id = ?", [known.id]) {
            try line.settle(as: line.id, into: &changes)
            try line.store(database)
        }
        changes.sales.insert(known.id)
        try settleOwnShares(changes.sales, &changes)
        try settleCounters(changes.sales)
        try withdrawTier(of: known.id, known.holder)
        let step = TraceStep(rule: "void", matched: true, reason: "the \(action == nil ? "sale" : "action") was voided")
        for (holder, change) in changes.settled() {
            try post(.void, change, of: holder, sale: known.id, trace: [step], answersFor: known.holder)
        }
        try settleShares(.void, changes.sales, document: known.id)
        try settleForwards(changes.sales, document: known.id)
        try settleEntitlements(changes.sales)
        try restoreSpendings(changes.sales, document: known.id)
        try storeAccounts()
        if let holder = known.holder {
            outcome.member = holder.member
            outcome.unverified = holder.member == nil
        }
        outcome.earned = earnedByPresenter
        try updateFlags(known.id)
    }

    /// The sales that a void can mean; more than one where nothing tells them apart.
    private func salesToVoid(_ target: SaleLink, _ link: SaleLink?) throws -> [NamedSale] {
        var named = try sales(
            named: link?.businessDay != nil || target.uid != nil ? target : target.without(\.businessDay))
        // A till's clock is compared with itself only.
        if isOwnClock(target) {
            named.removeAll { $0.closedAt > closedAt }
        }
        if link == nil, let total = ownTotal {
            named.removeAll { $0.closedAt != closedAt && $0.total.magnitude != total.magnitude }
        }
        let sameDay = named.filter { $0.businessDay == target.businessDay?.description }
        if sameDay.isEmpty, target.uid == nil {
            // Numbers start again every day: without its day, another day's sale is meant only if it is the same sale.
            return Array(named.filter { $0.closedAt == closedAt && $0.total == sale.totals.grand.minorUnits }.prefix(1))
        }
        let fitting = sameDay.isEmpty ? named : sameDay
        if fitting.count < 2 { return fitting }
        if let exact = fitting.first(where: { $0.closedAt == closedAt }) { return [exact] }
        let equal = fitting.filter { $0.total == sale.totals.grand.minorUnits }
        return equal.isEmpty ? fitting : equal
    }

    /// The total of a void that repeats the document of its sale; nil where it says nothing of goods.
    private var ownTotal: Int64? {
        sale.lines.isEmpty || sale.totals.grand.isZero ? nil : sale.totals.grand.minorUnits
    }

    /// What a void says of its target: a resend under another id must not void the next sale with that number.
    private func voidMark(_ digest: Data, _ target: SaleLink) -> Data {
        var hash = SHA256()
        hash.update(data: digest)
        for text in [
            submission.event.identity.epoch, submission.businessDay.description, target.store, target.register,
            target.number, target.businessDay?.description, target.uid,
        ] {
            hash.update(data: Data((text ?? "").utf8))
            hash.update(data: Data([0]))
        }
        return Data(hash.finalize())
    }

    private func isOwnClock(_ target: SaleLink) -> Bool {
        target.register == sale.register && target.store == sale.store
    }

    private func keepTombstone(_ target: SaleLink, _ isLinked: Bool, _ mark: Data) throws {
        try database.execute(
            sql: """
                INSERT INTO void_tombstone (epoch, store, register, business_day, number, uid, closed_at, total, digest,
                    received_at)
                SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10
                WHERE NOT EXISTS (SELECT 1 FROM void_tombstone WHERE digest = ?9)
                """,
            arguments: [
                submission.event.identity.epoch, target.store, target.register, target.businessDay?.description,
                target.number, target.uid, isOwnClock(target) ? closedAt.microseconds : nil,
                isLinked ? nil : ownTotal.map { Int64(clamping: $0.magnitude) }, mark,
                submission.receivedAt.microseconds,
            ])
    }

    /// The mark of a void that was here before this sale. One void is for one sale: a later sale with the number earns. A till's
    /// unique id is the same sale's in every epoch; a number is not.
    func takeTombstone() throws -> Data? {
        try Data.fetchOne(
            database.cachedStatement(
                sql: """
                    DELETE FROM void_tombstone WHERE id = (
                        SELECT id FROM void_tombstone
                        WHERE (epoch = :epoch OR uid = :uid) AND (store IS NULL OR store = :store)
                            AND (register IS NULL OR register = :register)
                            AND (uid = :uid OR (number = :number AND (uid IS NULL OR :uid IS NULL)
                                AND business_day = :day))
                            AND (number IS NULL OR number = :number)
                            AND (closed_at IS NULL OR closed_at >= :closed)
                            AND (total IS NULL OR total = abs(:total) OR closed_at = :closed)
                        ORDER BY id LIMIT 1)
                    RETURNING digest
                    """),
            arguments: [
                "epoch": submission.event.identity.epoch, "store": sale.store, "register": sale.register,
                "uid": sale.uid, "number": sale.number, "day": submission.businessDay.description,
                "closed": closedAt.microseconds, "total": max(sale.totals.grand.minorUnits, -Int64.max),
            ])
    }

    /// A link with what it leaves out taken from this document: a number means nothing without its register, a unique id
    /// needs none. Only a void is of this document's day.
    func resolved(_ link: SaleLink) -> SaleLink {
        var link = link
        if link.number != nil {
            link.store = link.store ?? sale.store
            link.register = link.register ?? sale.register
        }
        if link.relation == .voids { link.businessDay = link.businessDay ?? submission.businessDay }
        return link
    }

    /// The stored sales that a link names, the newest first: all that is stated must fit. A till's unique id counts more
    /// than a number; the till's present epoch more than an earlier one.
    func sales(named link: SaleLink) throws -> [NamedSale] {
        if let uid = link.uid {
            let found = try sales(
                where: """
                    uid = ? AND (? IS NULL OR store = ?) AND (? IS NULL OR register = ?) AND (? IS NULL OR number = ?)
                    ORDER BY store = ? DESC, register = ? DESC, epoch = ? DESC, id DESC LIMIT 1
                    """,
                [
                    uid, link.store, link.store, link.register, link.register, link.number, link.number,
                    sale.store, sale.register, submission.event.identity.epoch,
                ])
            if !found.isEmpty { return found }
        }
        guard let number = link.number else { return [] }
        let day = link.businessDay?.description
        func found(_ condition: String) throws -> [NamedSale] {
            try sales(
                where: """
                    number = ? AND register = ? AND store = ? AND (? IS NULL OR business_day = ?)
                        AND (? IS NULL OR uid IS NULL OR uid = ?) AND epoch \(condition) ?
                    ORDER BY id DESC LIMIT 100
                    """,
                [
                    number, link.register ?? sale.register, link.store ?? sale.store, day, day, link.uid, link.uid,
                    submission.event.identity.epoch,
                ])
        }
        let present = try found("=")
        return present.isEmpty ? try found("<>") : present
    }

    private func sales(where condition: String, _ arguments: StatementArguments) throws -> [NamedSale] {
        try Row.fetchAll(
            database.cachedStatement(
                sql: """
                    SELECT id, reference, business_day, closed_at, total, member_id, card_token FROM sale
                    WHERE \(condition)
                    """), arguments: arguments
        ).map { row in
            NamedSale(
                id: row["id"], reference: row["reference"], businessDay: row["business_day"],
                closedAt: Timestamp(microseconds: row["closed_at"]), total: row["total"], holder: Holder(row))
        }
    }
}

extension SaleLink {
    fileprivate func without<Value>(_ path: WritableKeyPath<SaleLink, Value?>) -> SaleLink {
        var copy = self
        copy[keyPath: path] = nil
        return copy
    }
}
