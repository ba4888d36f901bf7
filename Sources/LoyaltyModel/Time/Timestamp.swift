/// An instant of civil time: microseconds since 1970-01-01T00:00:00Z, with the offset it was written in.
///
/// Equality and order look at the instant alone.
public struct Timestamp: Sendable {
    public let microseconds: Int64
    /// Minutes east of UTC, -1,439...1,439.
    public let offsetMinutes: Int

    public init(microseconds: Int64, offsetMinutes: Int = 0) {
        self.microseconds = microseconds
        self.offsetMinutes = min(max(offsetMinutes, -1439), 1439)
    }

    /// The same instant, shown with another offset.
    public func at(offsetMinutes: Int) -> Timestamp {
        Timestamp(microseconds: microseconds, offsetMinutes: offsetMinutes)
    }

    /// Later by a number of microseconds; held at the ends of the range.
    public func adding(microseconds delta: Int64) -> Timestamp {
        let (sum, carry) = microseconds.addingReportingOverflow(delta)
        return Timestamp(microseconds: carry ? (delta < 0 ? .min : .max) : sum, offsetMinutes: offsetMinutes)
    }

    public func adding(seconds: Int64) -> Timestamp {
        let (product, high) = seconds.multipliedReportingOverflow(by: 1_000_000)
        return adding(microseconds: high ? (seconds < 0 ? .min : .max) : product)
    }

    /// Reads RFC 3339: `2026-11-22T09:30:00.25+01:00`. A leap second reads as the second before.
    ///
    /// - Throws: `time.syntax`, also where the offset is missing.
    public init(_ text: some StringProtocol) throws(LoyaltyError) {
        var reader = DigitReader(text)
        let date = try CalendarDate(&reader)
        guard reader.accept("T") || reader.accept("t") || reader.accept(" ") else { throw Self.syntaxError }
        let hour = try reader.number(digits: 2, 0...23)
        try reader.expect(":")
        let minute = try reader.number(digits: 2, 0...59)
        try reader.expect(":")
        let second = min(try reader.number(digits: 2, 0...60), 59)
        var fraction: Int64 = 0
        if reader.accept(".") {
            var unit: Int64 = 100_000
            var digits = 0
            while let digit = reader.digit() {
                fraction += Int64(digit) * unit
                unit /= 10
                digits += 1
            }
            guard digits > 0 else { throw Self.syntaxError }
        }
        var offset = 0
        if !reader.accept("Z") && !reader.accept("z") {
            let east = reader.accept("+")
            guard east || reader.accept("-") else { throw Self.syntaxError }
            offset = try reader.number(digits: 2, 0...23) * 60
            try reader.expect(":")
            offset += try reader.number(digits: 2, 0...59)
            if !east { offset = -offset }
        }
        guard reader.isAtEnd else { throw Self.syntaxError }
        let seconds = date.daysSinceEpoch * 86_400 + Int64(hour * 3600 + minute * 60 + second) - Int64(offset * 60)
        self.init(microseconds: seconds * 1_000_000 + fraction, offsetMinutes: offset)
    }

    /// The calendar day shown by this timestamp's own offset.
    public var date: CalendarDate { CalendarDate(daysSinceEpoch: localSeconds.quotient) }

    /// The time of day shown by this timestamp's own offset.
    public var timeOfDay: TimeOfDay { TimeOfDay(secondsSinceMidnight: Int(localSeconds.remainder)) }

    private var localSeconds: (quotient: Int64, remainder: Int64) {
        let local = microseconds.flooredQuotientAndRemainder(by: 1_000_000).quotient + Int64(offsetMinutes) * 60
        return local.flooredQuotientAndRemainder(by: 86_400)
    }

    private static var syntaxError: LoyaltyError {
        LoyaltyError(.timeSyntax, "expected a time such as 2026-11-22T09:30:00+01:00, with its offset")
    }
}

extension Timestamp: Hashable, Comparable {
    public static func == (left: Timestamp, right: Timestamp) -> Bool { left.microseconds == right.microseconds }
    public static func < (left: Timestamp, right: Timestamp) -> Bool { left.microseconds < right.microseconds }
    public func hash(into hasher: inout Hasher) { hasher.combine(microseconds) }
}

extension Timestamp: CustomStringConvertible {
    /// RFC 3339 with milliseconds, with microseconds where there are any.
    public var description: String {
        let time = timeOfDay.secondsSinceMidnight
        let fraction = microseconds.flooredQuotientAndRemainder(by: 1_000_000).remainder
        var text = "\(date)T\(padded(time / 3600, 2)):\(padded(time / 60 % 60, 2)):\(padded(time % 60, 2))."
        text += fraction % 1000 == 0 ? padded(Int(fraction / 1000), 3) : padded(Int(fraction), 6)
        guard offsetMinutes != 0 else { return text + "Z" }
        let magnitude = abs(offsetMinutes)
        return text + (offsetMinutes < 0 ? "-" : "+") + padded(magnitude / 60, 2) + ":" + padded(magnitude % 60, 2)
    }
}

extension Timestamp: Codable {
    public init(from decoder: any Decoder) throws {
        try self.init(decoder.singleValueContainer().decode(String.self))
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

extension Int64 {
    /// Division that rounds towards minus infinity. The divisor is positive.
    func flooredQuotientAndRemainder(by divisor: Int64) -> (quotient: Int64, remainder: Int64) {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }
}

func padded(_ number: Int, _ width: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
}

/// Reads fixed-width digits out of ASCII text.
struct DigitReader {
    private let bytes: [UInt8]
    private var position = 0

    init(_ text: some StringProtocol) { bytes = Array(text.utf8) }

    var isAtEnd: Bool { position == bytes.count }

    mutating func digit() -> Int? {
        guard position < bytes.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[position]) else {
            return nil
        }
        defer { position += 1 }
        return Int(bytes[position] - UInt8(ascii: "0"))
    }

    mutating func number(digits: Int, _ range: ClosedRange<Int>) throws(LoyaltyError) -> Int {
        var number = 0
        for _ in 0..<digits {
            guard let digit = digit() else { throw LoyaltyError(.timeSyntax, "expected \(digits) digits") }
            number = number * 10 + digit
        }
        guard range.contains(number) else {
            throw LoyaltyError(.timeSyntax, "\(number) is outside \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    mutating func accept(_ character: Unicode.Scalar) -> Bool {
        guard position < bytes.count, UInt32(bytes[position]) == character.value else { return false }
        position += 1
        return true
    }

    mutating func expect(_ character: Unicode.Scalar) throws(LoyaltyError) {
        guard accept(character) else { throw LoyaltyError(.timeSyntax, "expected \"\(character)\"") }
    }
}
