internal import Foundation
public import LoyaltyModel

/// A time zone of the IANA database, reduced to the one question that is asked of it.
public struct CivilZone: Sendable {
    private let zone: TimeZone

    /// The machine's own zone.
    public static let system = CivilZone(zone: .current)

    private init(zone: TimeZone) { self.zone = zone }

    /// Its name in that database.
    var name: String { zone.identifier }

    /// - Throws: `time.syntax` for a name that the database does not have.
    public init(_ name: String) throws(LoyaltyError) {
        guard let zone = TimeZone(identifier: name) else {
            throw LoyaltyError(
                .timeSyntax, "there is no time zone \"\(name)\"", remedy: "Write one such as Europe/London")
        }
        self.zone = zone
    }

    /// The same instant, shown as clocks in this zone show it.
    public func local(_ time: Timestamp) -> Timestamp {
        let seconds = zone.secondsFromGMT(for: Date(timeIntervalSince1970: TimeInterval(time.microseconds / 1_000_000)))
        return time.at(offsetMinutes: seconds / 60)
    }

    /// The business day of an instant: the local day, or the day before while it is earlier than the cut-off.
    public func businessDay(_ time: Timestamp, cutoff: TimeOfDay) -> CalendarDate {
        local(time.adding(seconds: -Int64(cutoff.secondsSinceMidnight))).date
    }
}
