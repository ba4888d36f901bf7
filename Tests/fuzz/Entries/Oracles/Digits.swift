/// Check digits and article numbers once more, written from the standards and not from the decoders.
enum Digits {
    static func isDigit(_ byte: UInt8) -> Bool { byte >= 48 && byte <= 57 }

    /// ISO/IEC 7812-1 annex B: every second digit from the right doubled, its digits added.
    static func passesLuhn(_ digits: [UInt8]) -> Bool {
        guard !digits.isEmpty, digits.allSatisfy(isDigit) else { return false }
        let doubled = [0, 2, 4, 6, 8, 1, 3, 5, 7, 9]
        var sum = 0
        for (index, byte) in digits.enumerated() {
            let digit = Int(byte - 48)
            sum += (digits.count - index).isMultiple(of: 2) ? doubled[digit] : digit
        }
        return sum % 10 == 0
    }

    /// GS1 General Specifications 7.9.1.
    static func passesGS1(_ digits: [UInt8]) -> Bool {
        guard digits.count > 1, digits.allSatisfy(isDigit) else { return false }
        var odd = 0
        var even = 0
        for (index, byte) in digits.dropLast().reversed().enumerated() {
            if index % 2 == 0 { odd += Int(byte) - 48 } else { even += Int(byte) - 48 }
        }
        return (10 - (3 * odd + even) % 10) % 10 == Int(digits[digits.count - 1]) - 48
    }

    /// ISO/IEC 16388 annex A: the last character of a Code 39 is the sum of the others' values.
    static func passesModulo43(_ text: [UInt8]) -> Bool {
        var values: [Int] = []
        for character in text {
            switch character {
            case 48...57: values.append(Int(character) - 48)
            case 65...90: values.append(Int(character) - 55)
            default:
                guard let place = Array("-. $/+%".utf8).firstIndex(of: character) else { return false }
                values.append(36 + place)
            }
        }
        guard let last = values.popLast(), !values.isEmpty else { return false }
        return values.reduce(0, +) % 43 == last
    }

    /// ISO/IEC 7064 MOD 97-10.
    static func passesModulo97(_ digits: [UInt8]) -> Bool {
        digits.count > 2 && digits.allSatisfy(isDigit) && digits.reduce(0) { ($0 * 10 + Int($1) - 48) % 97 } == 1
    }

    /// The digits that a scanner may have sent where the canonical form of an article number is `text`.
    static func sources(ofArticle text: [UInt8]) -> [[UInt8]] {
        var sources = [text]
        guard text.count == 13, text[0] == 48 else { return sources }
        sources.append(Array(text.dropFirst()))
        guard text[1] == 48 || text[1] == 49 else { return sources }
        for six in zeroSuppressed(Array(text.dropFirst(2).dropLast())) {
            let (system, check) = ([text[1]], [text[12]])
            sources += [system + six + check, [48] + system + six + check, system + six]
            if system == [48] { sources += [six, six + check] }
        }
        return sources
    }

    /// The six digits of UPC-E out of the ten between number system and check digit (General Specifications 5.2.2.4, figure 5.2.2.4-2
    /// read backwards).
    private static func zeroSuppressed(_ ten: [UInt8]) -> [[UInt8]] {
        guard ten.count == 10 else { return [] }
        func zeros(_ range: Range<Int>) -> Bool { ten[range].allSatisfy { $0 == 48 } }
        var forms: [[UInt8]] = []
        if zeros(3..<7), ten[2] <= 50 { forms.append([ten[0], ten[1], ten[7], ten[8], ten[9], ten[2]]) }
        if zeros(3..<8) { forms.append([ten[0], ten[1], ten[2], ten[8], ten[9], 51]) }
        if zeros(4..<9) { forms.append([ten[0], ten[1], ten[2], ten[3], ten[9], 52]) }
        if zeros(5..<9), ten[9] >= 53 { forms.append([ten[0], ten[1], ten[2], ten[3], ten[4], ten[9]]) }
        return forms
    }

    /// Whether a whole number is a card of a network that owns its range, by prefix, length and Luhn. A short list on purpose: the
    /// ranges that every list names (ISO/IEC 7812, the networks' own publications), so that no taste is in it.
    static func isPaymentCard(_ digits: [UInt8]) -> Bool {
        passesLuhn(digits) && hasPaymentPrefix(digits)
    }

    /// Prefixes and lengths out of the same publications, the first and the last of each range.
    static let networks: [(prefix: String, length: Int)] = [
        ("4", 16), ("4", 19), ("51", 16), ("55", 16), ("2221", 16), ("2720", 16), ("34", 15), ("37", 15), ("300", 14),
        ("305", 14), ("36", 14), ("38", 14), ("39", 16), ("6011", 16), ("644", 16), ("649", 16), ("65", 16),
        ("3528", 16), ("3589", 16), ("62", 16), ("62", 19), ("2200", 16), ("2204", 16),
    ]

    /// A number in the range that Maestro shares with programs: only a card scheme may claim it. UPC and EAN are none.
    static func isMaestro(_ digits: [UInt8]) -> Bool {
        (12...19).contains(digits.count) && digits[0] == 54 && passesLuhn(digits)
            && !((12...13).contains(digits.count) && passesGS1(digits))
    }

    /// Prefix and length alone, as a magnetic track is judged.
    static func hasPaymentPrefix(_ digits: [UInt8]) -> Bool {
        guard digits.count >= 13, digits.count <= 19, digits.allSatisfy(isDigit) else { return false }
        let first = digits.prefix(6).reduce(0) { $0 * 10 + Int($1) - 48 }
        let (two, three, four) = (first / 10_000, first / 1000, first / 100)
        switch digits.count {
        case 13: return two / 10 == 4
        case 15: return two == 34 || two == 37
        case 14: return (300...305).contains(three) || two == 36 || two == 38 || two == 39
        case 16:
            return two / 10 == 4 || (51...55).contains(two) || (2221...2720).contains(four) || four == 6011
                || two == 65 || (644...649).contains(three) || (3528...3589).contains(four) || two == 62
                || (300...305).contains(three) || two == 36 || two == 38 || two == 39 || (2200...2204).contains(four)
        case 19: return two / 10 == 4 || two == 62
        default: return false
        }
    }

    /// The maximal runs of ASCII digits of a text.
    static func runs(_ text: [UInt8]) -> [[UInt8]] {
        text.split { !isDigit($0) }.map(Array.init)
    }

    /// The same for the digits of all scripts, which people and programs read as one number; written in ASCII.
    static func runs(_ text: String) -> [[UInt8]] {
        let digits = text.unicodeScalars.map { scalar -> UInt8 in
            if scalar.isASCII { return UInt8(scalar.value) }
            guard scalar.properties.numericType == .decimal, let value = scalar.properties.numericValue else {
                return 0
            }
            return 48 + UInt8(value)
        }
        return runs(digits)
    }
}
