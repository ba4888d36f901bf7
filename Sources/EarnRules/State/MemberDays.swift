public import LoyaltyModel

extension Program {
    /// Books a day that a member chose for himself. Booking the same day again changes nothing.
    ///
    /// - Parameters:
    ///   - id: of the `member_day`.
    ///   - today: the business day on which he asks.
    ///   - atTill: a till may book today only, and only where the program lets it.
    /// - Throws: `member_day.unknown`, `member_day.refused`.
    public func book(
        _ id: String, on day: CalendarDate, today: CalendarDate, atTill: Bool, tier: String?, state: inout MemberState
    ) throws(LoyaltyError) {
        guard let declared = memberDays.first(where: { $0.id == id }) else {
            throw LoyaltyError(.memberDayUnknown, "the program has no day \"\(id)\" to choose")
        }
        var days = state.chosenDays[id] ?? []
        guard !days.contains(day) else { return }
        if atTill, !declared.canBookAtTill || day != today {
            throw LoyaltyError(.memberDayRefused, "\"\(id)\" cannot be booked for \(day) at the till")
        }
        guard today <= day else { throw LoyaltyError(.memberDayRefused, "\(day) is over") }
        let start = calendar.start(of: declared.per, on: day, joined: state.joined)
        let quota = declared.quota(tier: tier)
        let used: Int
        if declared.per == .rollingYear {
            used = days.filter { day.adding(months: -12) < $0 }.count
        } else {
            used = days.filter { calendar.start(of: declared.per, on: $0, joined: state.joined) == start }.count
        }
        guard used < quota else {
            throw LoyaltyError(
                .memberDayRefused, "all \(quota) days of the \(declared.per.words) are chosen",
                remedy: "Chosen: " + days.map(\.description).joined(separator: ", "))
        }
        days.append(day)
        state.chosenDays[id] = days.sorted()
    }

    /// Takes a day back that lies ahead.
    ///
    /// - Throws: `member_day.refused` for a day that has begun.
    public func unbook(
        _ id: String, on day: CalendarDate, today: CalendarDate, state: inout MemberState
    ) throws(LoyaltyError) {
        guard today < day else { throw LoyaltyError(.memberDayRefused, "\(day) has begun") }
        state.chosenDays[id]?.removeAll { $0 == day }
    }

    /// Sets the good cause that gets what rules give to a beneficiary.
    ///
    /// - Throws: `beneficiary.unknown`.
    public func choose(beneficiary id: String, state: inout MemberState) throws(LoyaltyError) {
        guard beneficiaries.contains(where: { $0.id == id }) else {
            throw LoyaltyError(
                .beneficiaryUnknown, "the program has no good cause \"\(id)\"",
                remedy: "Known: " + beneficiaries.map(\.id).joined(separator: ", "))
        }
        state.beneficiary = id
    }
}

extension LoyaltyError.Code {
    public static let memberDayUnknown = Self("member_day.unknown", kind: .badData)
    /// The quota is used up, or the day cannot be booked any more.
    public static let memberDayRefused = Self("member_day.refused", kind: .badData)
    public static let beneficiaryUnknown = Self("beneficiary.unknown", kind: .badData)
}
