import LoyaltyModel

/// What conditions on the member look at.
struct MemberView {
    let member: Member?
    let state: MemberState
    let tier: String?
    let day: CalendarDate

    func has(_ entitlement: String) -> Bool {
        (member?.entitlements ?? []).contains { $0.name == entitlement && $0.holds(on: day) }
            || state.entitlements.contains { $0.name == entitlement && $0.holds(on: day) }
    }
}

extension MemberCondition {
    /// Why the member does not fulfil it; nil where he does. Dates are business days.
    func mismatch(_ view: MemberView, _ book: CounterBook, _ counters: [CounterDeclaration]) throws(LoyaltyError)
        -> String?
    {
        guard let member = view.member else { return asksForMember ? "no member is known for this sale" : nil }
        if let reason = status(member, view) ?? time(member, view) ?? relations(view) { return reason }
        return try counts(book, counters)
    }

    private func status(_ member: Member, _ view: MemberView) -> String? {
        if let tiers, !(view.tier.map(tiers.contains) ?? false) {
            return "it is for tier \(list(tiers)); the member has \(view.tier.map { "tier \($0)" } ?? "no tier")"
        }
        if let tier = view.tier, excludedTiers.contains(tier) { return "it is not for tier \(tier)" }
        if let segments, segments.isDisjoint(with: member.segments) { return "it is for segment \(list(segments))" }
        if let excludedSegments, let hit = member.segments.first(where: excludedSegments.contains) {
            return "it is not for segment \(hit)"
        }
        if let entitlements, !entitlements.contains(where: view.has) {
            return "it needs \(list(entitlements)) on \(view.day)"
        }
        if let hit = excludedEntitlements.sorted().first(where: view.has) { return "it is not for members with \(hit)" }
        return nil
    }

    private func time(_ member: Member, _ view: MemberView) -> String? {
        if birthdayMonth, member.birthday?.month != view.day.month {
            return "it is not the month of the member's birthday"
        }
        if let birthday, !birthday.contains(view.day, member.birthday) {
            return "it is not within \(birthday.before) days before and \(birthday.after) after the member's birthday"
        }
        if let joinedWithin {
            guard let joined = view.state.joined else { return "it is not known when the member joined" }
            if joinedWithin.after(joined) <= view.day {
                return "it is for the first \(joinedWithin); the member joined on \(joined)"
            }
        }
        return nil
    }

    private func relations(_ view: MemberView) -> String? {
        if let linked, !linked.contains(where: { view.state.linked[$0] != nil }) {
            return "the member has no number of \(list(linked))"
        }
        if let isReferred, isReferred != (view.state.referrer != nil) {
            return isReferred ? "nobody recruited the member" : "the member was recruited"
        }
        return nil
    }

    private func counts(_ book: CounterBook, _ counters: [CounterDeclaration]) throws(LoyaltyError) -> String? {
        if let nthVisit {
            let visit = try book.visits(nthVisit.per).adding(.one)
            let (count, wanted) = ((try? visit.units(scale: 0)) ?? 0, nthVisit.number)
            guard nthVisit.every ? count % wanted == 0 : count == wanted else {
                return
                    "it is for \(nthVisit.every ? "every " : "")visit \(wanted) of the \(nthVisit.per.words); this is visit \(count)"
            }
        }
        if let visitsAtLeast {
            let before = try book.visits(visitsAtLeast.per)
            guard DecimalNumber(visitsAtLeast.number) <= before else {
                return
                    "it needs \(visitsAtLeast.number) visits before in the \(visitsAtLeast.per.words); there were \(before)"
            }
        }
        guard let range = counter, let declaration = counters.first(where: { $0.id == range.counter }) else {
            return nil
        }
        let value = try book.value(
            CounterName(name: declaration.id, scope: declaration.scope, per: declaration.per))
        if let least = range.atLeast, value < least { return "\(range.counter) is \(value); \(least) is needed" }
        if let below = range.below, below <= value { return "\(range.counter) is \(value), not below \(below)" }
        return nil
    }

    private func list(_ words: Set<String>) -> String { words.sorted().joined(separator: " or ") }
}

extension MemberCondition.Birthday {
    /// 29 February is kept on 1 March where there is none.
    func contains(_ day: CalendarDate, _ birthday: MonthDay?) -> Bool {
        guard let birthday else { return false }
        for year in (day.year - 1)...(day.year + 1) {
            let date =
                (try? CalendarDate(year: year, month: birthday.month, day: birthday.day))
                ?? (try? CalendarDate(year: year, month: 3, day: 1))
            guard let date else { continue }
            if date.adding(days: -before) <= day, day <= date.adding(days: after) { return true }
        }
        return false
    }
}

extension CounterBook {
    func visits(_ per: Period) throws(LoyaltyError) -> DecimalNumber {
        try value(CounterName(name: CounterName.visits, scope: .member, per: per))
    }
}

extension Period {
    var words: String { rawValue.replacing("_", with: " ") }
}
