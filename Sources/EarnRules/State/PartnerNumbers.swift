public import LoyaltyModel

extension Program {
    /// Keeps a member's number in a partner program, after a look at its form.
    ///
    /// - Returns: the number as it is kept: without spaces and hyphens, letters as capitals.
    /// - Throws: `partner.unknown`, `partner.bad_number`. Messages do not carry the number.
    @discardableResult
    public func link(
        _ partner: String, number: String, state: inout MemberState
    ) throws(LoyaltyError) -> String {
        guard let declared = partners.first(where: { $0.id == partner }) else {
            throw LoyaltyError(.partnerUnknown, "the program has no partner \"\(partner)\"")
        }
        let kept = try declared.checked(number)
        state.linked[partner] = kept
        return kept
    }
}

extension PartnerDeclaration {
    /// - Throws: `partner.bad_number`.
    public func checked(_ number: String) throws(LoyaltyError) -> String {
        var bytes: [UInt8] = []
        for byte in number.utf8 where byte != UInt8(ascii: " ") && byte != UInt8(ascii: "-") {
            let isSmall = (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
            bytes.append(isSmall ? byte - 32 : byte)
        }
        let isDigit = { (byte: UInt8) in (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
        let isLetter = { (byte: UInt8) in (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) }
        guard lengths.contains(bytes.count) else {
            let sizes = lengths.sorted().map(String.init).joined(separator: " or ")
            throw LoyaltyError(.partnerBadNumber, "a number of \(id) has \(sizes) characters, not \(bytes.count)")
        }
        let body = check == .mod11 ? bytes.dropLast() : bytes[...]
        let fits = body.allSatisfy { isDigit($0) || (characters == .lettersAndDigits && isLetter($0)) }
        guard fits, check != .mod11 || bytes.last.map({ isDigit($0) || $0 == UInt8(ascii: "X") }) ?? false else {
            throw LoyaltyError(.partnerBadNumber, "a number of \(id) has other characters")
        }
        let text = String(decoding: bytes, as: UTF8.self)
        guard prefixes.isEmpty || prefixes.contains(where: text.hasPrefix) else {
            throw LoyaltyError(.partnerBadNumber, "numbers of \(id) begin otherwise")
        }
        guard check.accepts(bytes) else {
            throw LoyaltyError(
                .partnerBadNumber, "the check digit does not fit", remedy: "Type the number of \(id) again")
        }
        return text
    }
}

extension CheckDigitRule {
    /// - Parameter bytes: capital letters and digits, the check digits last.
    func accepts(_ bytes: [UInt8]) -> Bool {
        let digits = bytes.map { Int($0) - 48 }
        switch self {
        case .none: return true
        case .luhn:
            var sum = 0
            for (place, digit) in digits.reversed().enumerated() {
                let doubled = digit * 2
                sum += place % 2 == 0 ? digit : doubled > 9 ? doubled - 9 : doubled
            }
            return sum % 10 == 0
        case .gs1:
            var sum = 0
            for (place, digit) in digits.reversed().enumerated() { sum += place % 2 == 0 ? digit : digit * 3 }
            return sum % 10 == 0
        case .mod7:
            guard let check = digits.last else { return false }
            return digits.dropLast().reduce(0) { ($0 * 10 + $1) % 7 } == check
        case .mod11:
            var product = 0
            for digit in digits.dropLast() { product = (product + digit) * 2 % 11 }
            let check = (12 - product) % 11
            return bytes.last == (check == 10 ? UInt8(ascii: "X") : UInt8(48 + check))
        case .mod97:
            var rest = 0
            for byte in bytes {
                let value = byte >= 65 ? Int(byte) - 55 : Int(byte) - 48
                rest = (rest * (value > 9 ? 100 : 10) + value) % 97
            }
            return rest == 1
        }
    }
}

extension LoyaltyError.Code {
    public static let partnerUnknown = Self("partner.unknown", kind: .badData)
    public static let partnerBadNumber = Self("partner.bad_number", kind: .badData)
}
