public import EarnRules
internal import Foundation
internal import GRDB
public import LoyaltyModel

/// Keeps what members tell of themselves at the counter: who recruited them, a good cause, numbers in other programs, days.
public struct MemberRegister: Sendable {
    private let database: LoyaltyDatabase

    public init(_ database: LoyaltyDatabase) { self.database = database }

    /// What an update did; a repeat of its event gets the same.
    public enum Outcome: Sendable, Hashable { case kept, duplicate, identityConflict }

    /// Queues an update. All of it is kept, or nothing.
    ///
    /// The ticket throws `member.unknown`, `member.referrer_known`, `member.referrer_refused`, `beneficiary.unknown`,
    /// `partner.unknown`, `partner.bad_number`, `member_day.unknown`, `member_day.refused`, `storage.*`.
    ///
    /// - Parameters:
    ///   - program: the version that is in force.
    ///   - day: the business day on which the member asks.
    public func keep(
        _ update: MemberUpdate, of id: MemberID, event: EventIdentity, program: Program, on day: CalendarDate,
        at now: Timestamp
    ) -> CommitTicket<Outcome> {
        let vault = database.vault
        return database.writer.submit { database in
            let digest = Self.digest(update, id, vault)
            let known = try Data.fetchOne(
                database.cachedStatement(
                    sql: "SELECT digest FROM till_event WHERE source = ? AND epoch = ? AND event_id = ?"),
                arguments: [event.source, event.epoch, event.id])
            if let known { return known == digest ? .duplicate : .identityConflict }
            try Keeping(database: database, vault: vault, program: program, day: day).keep(update, of: id)
            try database.cachedStatement(
                sql: """
                    INSERT INTO till_event (source, epoch, event_id, digest, outcome, received_at)
                    VALUES (?, ?, ?, ?, ?, ?)
                    """
            ).execute(arguments: [
                event.source, event.epoch, event.id, digest,
                try JSONEncoder().encode(LedgerOutcome(decision: .accepted)), now.microseconds,
            ])
            return .kept
        }
    }

    /// Holds no partner's number, which could be found by trying.
    private static func digest(_ update: MemberUpdate, _ id: MemberID, _ vault: CardVault) -> Data {
        let number = update.partner?.number.map { vault.token($0).text }
        return SaleFingerprint.digest(
            Data("member.update".utf8),
            [
                id.value, update.referrer?.value ?? "", update.beneficiary ?? "", update.partner?.partner ?? "",
                number ?? "", update.day?.day ?? "", update.day?.date.description ?? "",
                "\(update.day?.isCancelled ?? false)",
            ])
    }
}

private struct Keeping {
    let database: Database
    let vault: CardVault
    let program: Program
    let day: CalendarDate

    func keep(_ update: MemberUpdate, of id: MemberID) throws {
        guard let member = try MemberCache.member(database, id.value), let holder = Holder(member: id, token: nil)
        else { throw LoyaltyError(.memberUnknown, "no member with this id is known here") }
        let books = MemberBooks(database: database)
        var kept = try books.state(of: holder.key)
        var state = try books.state(of: holder, member)
        if let referrer = update.referrer {
            try check(referrer, of: id, state)
            kept.referrer = referrer
        }
        if let cause = update.beneficiary { try program.choose(beneficiary: cause, state: &kept) }
        if let link = update.partner { try keep(link, of: id) }
        if let booking = update.day {
            if booking.isCancelled {
                try program.unbook(booking.day, on: booking.date, today: day, state: &state)
            } else {
                let counters = try books.counters(
                    program, CounterOwner(holder, member), on: day, joined: state.joined)
                let tier = try program.tierName(of: state, counters: counters, member: member, on: day)
                try program.book(
                    booking.day, on: booking.date, today: day, atTill: booking.isAtTill, tier: tier, state: &state)
            }
            kept.chosenDays = state.chosenDays
        }
        try books.store(kept, of: holder.key)
    }

    private func keep(_ link: MemberUpdate.PartnerLink, of id: MemberID) throws {
        guard let partner = program.partners.first(where: { $0.id == link.partner }) else {
            throw LoyaltyError(
                .partnerUnknown, "the program has no partner \"\(link.partner)\"",
                remedy: "Known: " + program.partners.map(\.id).joined(separator: ", "))
        }
        let number = try link.number.map { try partner.checked($0.value) }
        try PartnerNumbers(database: database, vault: vault)
            .keep(number.flatMap { CardNumber(verbatim: $0) }, of: id, at: partner.id, by: .till)
    }

    /// Nobody recruits himself, or whoever recruited him; and it can be told once, as points hang on it.
    private func check(_ referrer: MemberID, of id: MemberID, _ state: MemberState) throws {
        if let known = state.referrer, known != referrer {
            throw LoyaltyError(.memberReferrerKnown, "who recruited the member is known, and stays")
        }
        guard let recruiter = try MemberCache.member(database, referrer.value) else {
            throw LoyaltyError(.memberUnknown, "the recruiter is not known here")
        }
        let books = MemberBooks(database: database)
        let his = try Holder(member: referrer, token: nil).map { try books.state(of: $0, recruiter) }
        guard referrer != id, his?.referrer != id else {
            throw LoyaltyError(.memberReferrerRefused, "the recruiter was recruited by the member, or is the member")
        }
    }
}

extension LoyaltyError.Code {
    public static let memberUnknown = Self("member.unknown", kind: .badData)
    /// Another recruiter was told before.
    public static let memberReferrerKnown = Self("member.referrer_known", kind: .badData)
    public static let memberReferrerRefused = Self("member.referrer_refused", kind: .badData)
}
