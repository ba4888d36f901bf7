internal import LoyaltyModel

/// The names of the daily figures that are kept for each source of sales.
struct SourceTally: Sendable {
    static let salesPrefix = "source.sales/"
    static let mismatchPrefix = "source.mismatch/"

    /// A till that names sources without end must not fill the database with figures.
    static let mostSources = 256

    private var day: CalendarDate?
    private var sources: Set<String> = []

    /// Whether a source is counted on a day: the first ones of the day are.
    mutating func take(_ source: String, on today: CalendarDate) -> Bool {
        if day != today { (day, sources) = (today, []) }
        guard sources.count < Self.mostSources || sources.contains(source) else { return false }
        sources.insert(source)
        return true
    }
}
