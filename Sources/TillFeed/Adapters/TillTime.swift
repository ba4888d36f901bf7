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
        let bytes = Array(text.split(separator: " ").joined(separator: "T").utf8)
        // `+0200` and `+02` of ISO 8601 are not RFC 3339.
        let sign = bytes.lastIndex { $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: "-") }.flatMap { $0 > 10 ? $0 : nil }
        let end = sign ?? (bytes.last == UInt8(ascii: "Z") ? bytes.count - 1 : bytes.count)
        var local = String(decoding: bytes[..<end], as: UTF8.self)
        if end == 10 { local += "T00:00:00" }
        if end == 16 { local += ":00" }
        var offset = bytes[end...]
        if offset.count == 5 { offset.insert(UInt8(ascii: ":"), at: offset.startIndex + 3) }
        if offset.count == 3 { offset += Array(":00".utf8) }
        let text = local + String(decoding: offset, as: UTF8.self)
        if let time = try? Timestamp(text) { return (time, false) }
        guard let shown = try? Timestamp(text + "Z") else {
            throw LoyaltyError(.timeSyntax, "expected a time such as 2026-11-22T09:30:00, with or without its offset")
        }
        return (settings.instant(ofLocal: shown), true)
    }

    /// Reads a day, also where midnight or an offset stands behind it. - Throws: `time.syntax`.
    static func day(_ text: String) throws(LoyaltyError) -> CalendarDate {
        let bytes = Array(text.utf8)
        guard bytes.count > 10 else { return try CalendarDate(text) }
        guard "T Z+-".utf8.contains(bytes[10]) else {
            throw LoyaltyError(.timeSyntax, "expected a day such as 2026-11-22")
        }
        return try CalendarDate(String(decoding: bytes[..<10], as: UTF8.self))
    }
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
