/// A bar code symbology. The raw value is the word in configuration and in `--json` output.
public enum Symbology: String, Sendable, Codable, CaseIterable {
    case ean13, ean8, upca, upce
    /// A 2- or 5-digit supplement alone.
    case eanSupplement = "ean-supplement"
    case code128
    case gs1128 = "gs1-128"
    case code39, code93, code11, codabar, itf, databar, msi, plessey, telepen
    case industrial2of5 = "2of5"
    case pdf417, maxicode, qr, aztec
    case dataMatrix = "datamatrix"
    case hanXin = "hanxin"
    case dotCode = "dotcode"
    case other

    /// EAN and UPC: article numbers with a GS1 check digit, never a payment card.
    public var isArticleNumber: Bool {
        switch self {
        case .ean13, .ean8, .upca, .upce, .eanSupplement: true
        default: false
        }
    }
}

/// A symbology identifier `]cm` (ISO/IEC 15424): symbology character and modifier.
public struct AIMIdentifier: Hashable, Sendable, CustomStringConvertible {
    public let code: UInt8
    public let modifier: UInt8

    /// Reads the three bytes `]`, letter, letter or digit.
    public init?(_ bytes: some Collection<UInt8>) {
        var iterator = bytes.makeIterator()
        guard bytes.count == 3, iterator.next() == UInt8(ascii: "]"), let code = iterator.next(),
            let modifier = iterator.next(), code.isASCIILetter, modifier.isASCIILetter || modifier.isASCIIDigit
        else { return nil }
        self.code = code
        self.modifier = modifier
    }

    public var description: String { String(decoding: [UInt8(ascii: "]"), code, modifier], as: UTF8.self) }

    /// Readers answer menu commands as scans marked `]X0` and `]Z6`; these are never cards.
    public var isManagement: Bool {
        (code == UInt8(ascii: "X") && modifier == UInt8(ascii: "0"))
            || (code == UInt8(ascii: "Z") && modifier == UInt8(ascii: "6"))
    }

    /// The symbology, `nil` for a letter that the standard does not assign.
    public var symbology: Symbology? {
        switch (code, modifier) {
        case (UInt8(ascii: "E"), UInt8(ascii: "1")), (UInt8(ascii: "E"), UInt8(ascii: "2")): .eanSupplement
        case (UInt8(ascii: "E"), UInt8(ascii: "4")): .ean8
        case (UInt8(ascii: "E"), _): .ean13
        case (UInt8(ascii: "C"), UInt8(ascii: "1")): .gs1128
        default: Self.byCode[code]
        }
    }

    private static let byCode: [UInt8: Symbology] = [
        UInt8(ascii: "A"): .code39, UInt8(ascii: "B"): .telepen, UInt8(ascii: "C"): .code128,
        UInt8(ascii: "D"): .other, UInt8(ascii: "F"): .codabar, UInt8(ascii: "G"): .code93,
        UInt8(ascii: "H"): .code11, UInt8(ascii: "I"): .itf, UInt8(ascii: "J"): .dotCode,
        UInt8(ascii: "K"): .other, UInt8(ascii: "L"): .pdf417, UInt8(ascii: "M"): .msi,
        UInt8(ascii: "N"): .other, UInt8(ascii: "O"): .other, UInt8(ascii: "P"): .plessey,
        UInt8(ascii: "Q"): .qr, UInt8(ascii: "R"): .industrial2of5, UInt8(ascii: "S"): .industrial2of5,
        UInt8(ascii: "T"): .other, UInt8(ascii: "U"): .maxicode, UInt8(ascii: "X"): .other,
        UInt8(ascii: "Z"): .other, UInt8(ascii: "d"): .dataMatrix, UInt8(ascii: "e"): .databar,
        UInt8(ascii: "h"): .hanXin, UInt8(ascii: "o"): .other, UInt8(ascii: "z"): .aztec,
    ]
}

extension UInt8 {
    var isASCIIDigit: Bool { (0x30...0x39).contains(self) }
    var isASCIILetter: Bool { (0x41...0x5a).contains(self & 0xdf) }
    /// The value of a digit; call on digits only.
    var digitValue: Int { Int(self & 0x0f) }
}
