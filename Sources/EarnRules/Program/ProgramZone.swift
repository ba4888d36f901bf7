import Foundation
public import LoyaltyModel

/// The time zone in which a program reads the clock: an IANA name, or, without one, the offset that the till wrote.
public struct ProgramZone: Hashable, Sendable, CustomStringConvertible {
    /// `Europe/London`; nil for the till's own offset.
    public let name: String?
    private let zone: TimeZone?

    /// The offset that each timestamp carries.
    public static let ofTheTill = ProgramZone()

    private init() {
        name = nil
        zone = nil
    }

    /// nil for a name that the time-zone database does not have.
    public init?(name: String) {
        guard name == "UTC" || Self.known.contains(name), let zone = TimeZone(identifier: name) else { return nil }
        self.name = name
        self.zone = zone
    }

    /// The same instant with the offset that holds in this zone at that time.
    public func local(_ instant: Timestamp) -> Timestamp {
        guard let zone else { return instant }
        // The one place where a Double touches a time: whole seconds, exact far beyond any calendar.
        let date = Date(timeIntervalSince1970: Double(instant.microseconds / 1_000_000))
        return instant.at(offsetMinutes: zone.secondsFromGMT(for: date) / 60)
    }

    public var description: String { name ?? "the till's own zone" }

    private static let known = Set(TimeZone.knownTimeZoneIdentifiers)
}
