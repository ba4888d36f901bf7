import LoyaltyModel

/// How a column writes days and times, as a pattern of Unicode TR 35 ("Date Field Symbol Table"): `dd.MM.yyyy HH:mm:ss`, `M/d/yyyy h:mm a`.
///
/// Letters: `y` year (`yy` is 2000 to 2099), `M` month, `d` day, `H` hour 0 to 23, `h` hour 1 to 12 with `a`, `m` minute, `s` second,
/// `S` decimals of the second. One letter takes one or two digits, two letters take two; what stands in `'quotes'`, and all that is no
/// letter, stands for itself, a blank for one or more.
struct CSVTimeFormat: Sendable, Equatable {
    private enum Part: Equatable {
        case field(Character, width: Int)
        case literal(Character)
    }

    private let parts: [Part]
    private let pattern: String

    /// - Parameter needsTime: whether hour and minute must be in it.
    /// - Throws: `time.syntax`: a letter that means nothing here, or a field that is missing or there twice.
    init(_ pattern: String, needsTime: Bool) throws(LoyaltyError) {
        var parts: [Part] = []
        var isQuoted = false
        for character in pattern {
            if character == "'" {
                isQuoted.toggle()
            } else if !isQuoted, character.isASCII, character.isLetter {
                if case .field(character, let width) = parts.last {
                    parts[parts.count - 1] = .field(character, width: width + 1)
                } else {
                    parts.append(.field(character, width: 1))
                }
            } else if character != " " || parts.last != .literal(" ") {
                parts.append(.literal(character))
            }
        }
        func wrong(_ message: String) -> LoyaltyError {
            LoyaltyError(
                .timeSyntax, message, remedy: "Write a pattern such as \"dd.MM.yyyy HH:mm:ss\" or \"M/d/yyyy h:mm a\"")
        }
        guard !isQuoted else { throw wrong("the quote never closes") }
        var seen: Set<Character> = []
        for case .field(let letter, let width) in parts {
            let widths: ClosedRange<Int>
            switch letter {
            case "y": widths = width == 2 ? 2...2 : 4...4
            case "M", "d", "H", "h", "m", "s": widths = 1...2
            case "S": widths = 1...9
            case "a": widths = 1...1
            default: throw wrong("\"\(letter)\" is no letter of a day or time")
            }
            guard widths.contains(width) else { throw wrong("\"\(letter)\" stands there \(width) times") }
            guard seen.insert(letter).inserted else { throw wrong("\"\(letter)\" stands there twice") }
        }
        guard seen.isSuperset(of: "yMd") else { throw wrong("year, month and day must be in it") }
        guard !(seen.contains("H") && seen.contains("h")), seen.contains("h") == seen.contains("a") else {
            throw wrong("\"h\" needs \"a\", and \"H\" stands alone")
        }
        let hasTime = seen.contains("H") || seen.contains("h")
        guard needsTime ? hasTime && seen.contains("m") : seen.isDisjoint(with: "HhmsSa") else {
            throw wrong(needsTime ? "hour and minute must be in it" : "a day has no time")
        }
        guard !seen.contains("S") || seen.contains("s") else { throw wrong("\"S\" needs \"s\"") }
        self.parts = parts
        self.pattern = pattern
    }

    /// - Returns: the instant, with the offset of the settings, as `TillTime.parse`.
    /// - Throws: `time.syntax`.
    func time(
        _ text: String, _ settings: AdapterSettings
    ) throws(LoyaltyError) -> (time: Timestamp, isAssumed: Bool) {
        guard let local = try? Timestamp(rewritten(text) + "Z") else { throw wrong }
        return (settings.instant(ofLocal: local), true)
    }

    /// - Throws: `time.syntax`.
    func day(_ text: String) throws(LoyaltyError) -> CalendarDate {
        guard let day = try? CalendarDate(rewritten(text).prefix(10)) else { throw wrong }
        return day
    }

    /// The text as ISO 8601 has it, without offset: `2026-11-22T09:30:00.5`.
    ///
    /// - Throws: `time.syntax`. That there is such a day is not checked.
    func rewritten(_ text: String) throws(LoyaltyError) -> String {
        var rest = Substring(text)
        var fields: [Character: String] = [:]
        var isAfternoon = false
        for part in parts {
            switch part {
            case .literal(" "):
                guard rest.first == " " else { throw wrong }
                rest = rest.drop { $0 == " " }
            case .literal(let character):
                guard rest.first == character else { throw wrong }
                rest.removeFirst()
            case .field("a", _):
                switch rest.prefix(2).uppercased() {
                case "AM": break
                case "PM": isAfternoon = true
                default: throw wrong
                }
                rest = rest.dropFirst(2)
            case .field(let letter, let width):
                let most = letter == "S" ? 9 : letter == "y" ? width : 2
                let digits = rest.prefix(most).prefix { $0.isASCII && $0.isNumber }
                guard digits.count >= (letter == "S" ? 1 : width) else { throw wrong }
                fields[letter] = String(digits)
                rest = rest.dropFirst(digits.count)
            }
        }
        guard rest.isEmpty else { throw wrong }
        func two(_ letter: Character) -> String { fields[letter].map { $0.utf8.count < 2 ? "0" + $0 : $0 } ?? "00" }
        let year = fields["y"].map { $0.utf8.count == 2 ? "20" + $0 : $0 } ?? ""
        let day = "\(year)-\(two("M"))-\(two("d"))"
        var hour = two("H")
        if let written = fields["h"] {
            guard let number = Int(written), (1...12).contains(number) else { throw wrong }
            let value = number % 12 + (isAfternoon ? 12 : 0)
            hour = value < 10 ? "0\(value)" : String(value)
        }
        return "\(day)T\(hour):\(two("m")):\(two("s"))" + (fields["S"].map { "." + $0 } ?? "")
    }

    private var wrong: LoyaltyError { LoyaltyError(.timeSyntax, "expected a time written as \(pattern)") }
}
