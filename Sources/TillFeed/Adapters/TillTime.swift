import LoyaltyModel

/// Times as tills write them, with and without offset.
enum TillTime {
    /// Reads RFC 3339, ISO 8601 without offset, without seconds, or with a blank for the `T`; any number of decimals.
    ///
    /// - Returns: the instant, and whether the offset came from the settings.
    /// - Throws: `time.syntax`.
    static func parse(
        _ text: String, _ settings: AdapterSettings
    ) throws(LoyaltyError) -> (time: Timestamp, isAssumed: Bool) {
        var text = text.split(separator: " ").joined(separator: "T")
        // `+0200` and `+02` of ISO 8601 are not RFC 3339.
        let bytes = Array(text.utf8)
        if bytes.count > 19, let sign = bytes.lastIndex(where: { $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: "-") }),
            sign > 10
        {
            let digits = bytes[(sign + 1)...]
            if digits.count == 4, digits.allSatisfy({ (48...57).contains($0) }) {
                text = String(
                    decoding: bytes[...sign] + digits.prefix(2) + [UInt8(ascii: ":")] + digits.suffix(2), as: UTF8.self)
            } else if digits.count == 2 {
                text += ":00"
            }
        }
        if text.utf8.count == 10 { text += "T00:00:00" }
        if text.utf8.count == 16 { text += ":00" }
        if let time = try? Timestamp(text) { return (time, false) }
        let local: Timestamp
        do { local = try Timestamp(text + "Z") } catch {
            throw LoyaltyError(.timeSyntax, "expected a time such as 2026-11-22T09:30:00, with or without its offset")
        }
        return (settings.instant(ofLocal: local), true)
    }

    /// Reads a day, also where midnight stands behind it. - Throws: `time.syntax`.
    static func day(_ text: String) throws(LoyaltyError) -> CalendarDate { try CalendarDate(text.prefix(10)) }
}

extension AdapterSettings {
    /// The instant at which clocks of the site show a time, which comes as if it were UTC. A time that a change of clocks
    /// leaves out or repeats is read with the offset before the change.
    func instant(ofLocal local: Timestamp) -> Timestamp {
        let guess = local.adding(seconds: -Int64(offsetMinutes(local)) * 60)
        let offset = offsetMinutes(guess)
        return local.adding(seconds: -Int64(offset) * 60).at(offsetMinutes: offset)
    }
}
