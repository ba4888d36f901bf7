internal import EarnRules
internal import Foundation
internal import GRDB
internal import LoyaltyModel

/// What a sale or action gives to somebody beside its member, or to the member on a condition that all of its goods decide
/// together (`revoke_if_unqualified`). As with lines, what is taken back is a function of what came back, never a running sum.
struct SaleShare: Codable {
    var recipient: Recipient
    /// The referrer's member id or the good cause; nil for the member.
    var account: String?
    var grants: [Grant]
    /// What was taken back, for each grant and each of its lines.
    var taken: [[Points]]
    /// Where the referrer's points came from that were taken back.
    var standing = SaleStanding()

    init(_ recipient: Recipient, account: String?, _ grants: [Grant]) {
        self.recipient = recipient
        self.account = account
        self.grants = grants
        taken = grants.map { grant in grant.lines.map { .zero(decimals: $0.points.decimals) } }
    }

    /// Whose account it is, where that is not the member's.
    var holder: Holder? {
        switch recipient {
        case .member: nil
        case .referrer: account.flatMap { Holder(member: MemberID($0), token: nil) }
        case .beneficiary: account.map { Holder(cause: $0) }
        }
    }

    /// What must be taken back in all, once so much has come back.
    ///
    /// - Parameter lines: those of the sale. A void takes all of the member's points with its lines, whatever the condition.
    func target(_ lines: [StoredLine], isVoided: Bool) throws -> [[Points]] {
        if isVoided {
            return grants.map { grant in
                grant.lines.map { recipient == .member ? .zero(decimals: $0.points.decimals) : $0.points }
            }
        }
        var returned: [String: Quantity] = [:]
        for line in lines { returned[line.id] = line.returned }
        let record = SaleRecord(
            origin: "",
            lines: try lines.map { try SaleRecord.Line(id: $0.id, quantity: $0.quantity.magnitude(), net: 0) },
            grants: grants, counterChanges: [], referrerCounterChanges: [], entitlements: [])
        return try record.taken(returned).points
    }

    /// Points by currency of one number for each grant and line.
    func sums(_ points: [[Points]]) throws -> [String: Points] {
        var sums: [String: Points] = [:]
        for (grant, parts) in zip(grants, points) {
            for part in parts {
                sums[grant.currency] = try (sums[grant.currency] ?? .zero(decimals: part.decimals)).adding(part)
            }
        }
        return sums
    }

    func granted() throws -> [String: Points] { try sums(grants.map { $0.lines.map(\.points) }) }

    /// Adds what stands of it, or takes that off.
    func add(to changes: inout PointChanges, _ holder: Holder, negated: Bool) throws {
        for (grant, parts) in zip(grants, taken) {
            for (line, back) in zip(grant.lines, parts) {
                let rest = try line.points.subtracting(back)
                let points = negated ? try rest.negated() : rest
                try changes.add(
                    points, qualifying: grant.isQualifying ? points : .zero(decimals: points.decimals), grant.currency,
                    line.line, holder)
            }
        }
    }
}

/// A share as it is stored.
struct StoredShare {
    var id: Int64
    var share: SaleShare

    static func fetch(_ database: Database, sale: Int64) throws -> [StoredShare] {
        try Row.fetchAll(
            database.cachedStatement(sql: "SELECT id, document FROM sale_share WHERE sale_id = ? ORDER BY id"),
            arguments: [sale]
        ).map { row in
            StoredShare(
                id: row["id"], share: try JSONDecoder().decode(SaleShare.self, from: row["document"] as Data))
        }
    }

    func update(_ database: Database) throws {
        try database.cachedStatement(sql: "UPDATE sale_share SET document = ? WHERE id = ?")
            .execute(arguments: [try JSONEncoder().encode(share), id])
    }
}

extension SaleShare {
    func insert(_ database: Database, sale: Int64) throws {
        try database.cachedStatement(sql: "INSERT INTO sale_share (sale_id, document) VALUES (?, ?)")
            .execute(arguments: [sale, try JSONEncoder().encode(self)])
    }
}
