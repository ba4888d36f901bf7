internal import EarnRules
internal import Foundation
internal import GRDB
internal import LoyaltyModel

/// The numbers of members in other programs: sealed at rest, as are card numbers on their way to the back end.
struct PartnerNumbers {
    /// What a till was told counts before what a later member file says.
    enum Teller: String { case file, till }

    let database: Database
    let vault: CardVault

    /// The numbers that a program has to do with, in the form in which it passes them on; one of a wrong form is left out.
    func all(of member: MemberID?, _ program: Program) throws -> [String: String] {
        guard let member, !program.partners.isEmpty else { return [:] }
        var numbers: [String: String] = [:]
        for row in try Row.fetchAll(
            database.cachedStatement(
                sql: "SELECT partner, sealed FROM partner_number WHERE member_id = ? AND sealed IS NOT NULL"),
            arguments: [member.value])
        {
            let partner: String = row["partner"]
            guard let declared = program.partners.first(where: { $0.id == partner }),
                let number = try? vault.open(row["sealed"] as Data, for: Self.seal(member, partner))
            else { continue }
            numbers[partner] = try? declared.checked(number.value)
        }
        return numbers
    }

    /// - Parameter number: nil takes it away.
    func keep(_ number: CardNumber?, of member: MemberID, at partner: String, by teller: Teller) throws {
        try database.cachedStatement(
            sql: """
                INSERT INTO partner_number (member_id, partner, sealed, told_by) VALUES (?1, ?2, ?3, ?4)
                ON CONFLICT DO UPDATE SET sealed = excluded.sealed, told_by = excluded.told_by
                    WHERE told_by = 'file' OR excluded.told_by = 'till'
                """
        ).execute(arguments: [
            member.value, partner, try number.map { try vault.seal($0, for: Self.seal(member, partner)) },
            teller.rawValue,
        ])
    }

    /// Takes what a row of a member file says, and forgets what an earlier one said besides.
    func replace(by numbers: [String: CardNumber], of member: MemberID, isNew: Bool) throws {
        if !isNew {
            try database.cachedStatement(sql: "DELETE FROM partner_number WHERE member_id = ? AND told_by = 'file'")
                .execute(arguments: [member.value])
        }
        for (partner, number) in numbers.sorted(by: { $0.key < $1.key }) {
            try keep(number, of: member, at: partner, by: .file)
        }
    }

    private static func seal(_ member: MemberID, _ partner: String) -> String { "partner/\(partner)/\(member.value)" }
}
