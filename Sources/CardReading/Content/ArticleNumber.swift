import LoyaltyModel

/// EAN and UPC numbers (GS1 General Specifications 5.2) and their form in the member file.
enum ArticleNumber {
    /// The number in canonical form, as digits: 13 for EAN-13, UPC-A and UPC-E, 8 for EAN-8, without a supplement.
    ///
    /// - Returns: nil where length, characters or check digit are wrong.
    static func canonical(_ digits: [UInt8], symbology: Symbology) -> [UInt8]? {
        guard digits.allSatisfy(\.isASCIIDigit) else { return nil }
        switch symbology {
        case .ean8: return digits.count == 8 && hasValidCheckDigit(digits) ? digits : nil
        case .upce: return expandedUPCE(digits) ?? thirteen(digits)
        case .ean13, .upca: return thirteen(digits)
        default: return nil
        }
    }

    /// Whether digits of unknown symbology are most likely an article number: 8, 12 or 13 digits, or 14 with a leading
    /// zero, with a valid check digit.
    static func isPlausible(_ digits: some BidirectionalCollection<UInt8>) -> Bool {
        switch digits.count {
        case 8, 12, 13: hasValidCheckDigit(digits)
        case 14: digits.first == UInt8(ascii: "0") && hasValidCheckDigit(digits)
        default: false
        }
    }

    /// Scanners send UPC-A as 12 digits under `]E0` although the standard says 13.
    private static func thirteen(_ digits: [UInt8]) -> [UInt8]? {
        let zero = UInt8(ascii: "0")
        switch digits.count {
        case 6, 8:
            return expandedUPCE(digits)
        case 12:
            return hasValidCheckDigit(digits) ? [zero] + digits : nil
        case 13:
            return hasValidCheckDigit(digits) ? digits : nil
        case 15, 18:
            let main = Array(digits.prefix(13))
            return hasValidCheckDigit(main) ? main : nil
        default:
            return nil
        }
    }

    /// UPC-E to UPC-A (GS1 General Specifications 5.2.2.4), as 13 digits, from any form that scanners send: 6 digits with
    /// number system 0, 7 with the number system or with the check digit, 8 with both, 9 with the country digit 0 in front.
    ///
    /// - Returns: nil for a wrong check digit, and for 7 digits that can be read both ways.
    static func expandedUPCE(_ digits: [UInt8]) -> [UInt8]? {
        let zero = UInt8(ascii: "0")
        switch digits.count {
        case 6: return expanded(system: zero, digits[...], check: nil)
        case 7:
            let withCheck = expanded(system: zero, digits.prefix(6), check: digits[6])
            let withSystem = expanded(system: digits[0], digits.dropFirst(), check: nil)
            return withCheck == nil || withSystem == nil ? withCheck ?? withSystem : nil
        case 8: return expanded(system: digits[0], digits[1...6], check: digits[7])
        case 9: return digits[0] == zero ? expanded(system: digits[1], digits[2...7], check: digits[8]) : nil
        default: return nil
        }
    }

    /// - Parameters:
    ///   - body: 6 digits.
    ///   - check: nil where the reader did not send it.
    private static func expanded(system: UInt8, _ body: ArraySlice<UInt8>, check: UInt8?) -> [UInt8]? {
        let zero = UInt8(ascii: "0")
        let body = Array(body)
        guard system == zero || system == UInt8(ascii: "1"), body.count == 6, body.allSatisfy(\.isASCIIDigit) else {
            return nil
        }
        var article = [zero, system]
        let last = body[5]
        switch last.digitValue {
        case 0...2: article += [body[0], body[1], last, zero, zero, zero, zero, body[2], body[3], body[4]]
        case 3: article += [body[0], body[1], body[2], zero, zero, zero, zero, zero, body[3], body[4]]
        case 4: article += [body[0], body[1], body[2], body[3], zero, zero, zero, zero, zero, body[4]]
        default: article += [body[0], body[1], body[2], body[3], body[4], zero, zero, zero, zero, last]
        }
        if let check {
            article.append(check)
            return hasValidCheckDigit(article) ? article : nil
        }
        return (zero...UInt8(ascii: "9")).lazy.map { article + [$0] }.first { hasValidCheckDigit($0) }
    }

    private static func hasValidCheckDigit(_ digits: some BidirectionalCollection<UInt8>) -> Bool {
        CardNumber.hasValidCheckDigit(digits)
    }
}
