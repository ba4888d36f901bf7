public import LoyaltyModel

extension DecodedScan {
    /// Reads the text of one scan by the letter of the standards: a symbology identifier in front (ISO/IEC 15424), and behind it
    /// what GS1 General Specifications 5.1.3 let it announce. The decoders are more forgiving, as real readers demand it.
    ///
    /// - Throws: `cards.nonconforming_scan` or `cards.gs1_syntax`, which say what is wrong and quote nothing.
    public init(conforming characters: [UInt8], completedAt: MonotonicTime) throws(LoyaltyError) {
        guard let aim = AIMIdentifier(characters.prefix(3)) else { throw Self.flaw("there is no symbology identifier") }
        guard let symbology = aim.symbology, symbology != .other else {
            throw Self.flaw("the symbology identifier is not known")
        }
        let data = Array(characters.dropFirst(3))
        guard !data.isEmpty else { throw Self.flaw("there are no data behind the symbology identifier") }
        if symbology.isArticleNumber { try Self.checkArticle(data, aim) }
        guard let scan = DecodedScan(data: data, aim: aim, completedAt: completedAt) else {
            throw Self.flaw("it is the answer to a menu command")
        }
        _ = try GS1Message.read(scan)
        self = scan
    }

    private static func checkArticle(_ data: [UInt8], _ aim: AIMIdentifier) throws(LoyaltyError) {
        let lengths: [Int] =
            switch aim.modifier {
            case UInt8(ascii: "0"): [13]
            case UInt8(ascii: "1"): [2]
            case UInt8(ascii: "2"): [5]
            case UInt8(ascii: "3"): [15, 18]
            case UInt8(ascii: "4"): [8]
            default: []
            }
        guard !lengths.isEmpty else { throw flaw("the symbology identifier is not known") }
        guard data.allSatisfy(\.isASCIIDigit) else { throw flaw("the article number is not numeric") }
        guard lengths.contains(data.count) else { throw flaw("the article number is too short or too long") }
        guard aim.symbology != .eanSupplement else { return }
        guard CardNumber.hasValidCheckDigit(data.prefix(13)) else { throw flaw("the check digit is wrong") }
    }

    private static func flaw(_ message: String) -> LoyaltyError { LoyaltyError(.nonconformingScan, message) }
}

extension LoyaltyError.Code {
    /// A scan is not what its symbology identifier says.
    public static let nonconformingScan = Self("cards.nonconforming_scan", kind: .badData)
}
