import CardReading
import LoyaltyModel

extension FuzzEntry {
    /// The text of a code by the letter of the standards: symbology identifier, article numbers, what it announces.
    static let barcodeText = FuzzEntry("barcode-text", maximumLength: 512) { input throws(BrokenPromise) in
        let scan: DecodedScan
        do throws(LoyaltyError) {
            scan = try DecodedScan(conforming: input, completedAt: MonotonicTime(nanoseconds: 0))
        } catch {
            try expect(
                error.code == .nonconformingScan || error.code == .gs1Syntax, "another code: \(error.code)")
            try expect(Digits.runs(Array("\(error)".utf8)).allSatisfy { $0.count < 8 }, "an error quotes the scan")
            return
        }
        try expect(input.first == UInt8(ascii: "]") && input.count >= 3, "a scan without its identifier")
        let identifier = String(decoding: input.prefix(3), as: UTF8.self)
        try expect(identifier != "]X0" && identifier != "]Z6", "the answer to a menu command is no code")
        if ["]C1", "]e0", "]d2", "]Q3", "]J1"].contains(identifier) { try checkElementString(scan.text) }
        guard let symbology = scan.symbology, Characters.isArticle(symbology) else {
            return try expect(scan.text.elementsEqual(input.dropFirst(3)), "the data of a code were changed")
        }
        let data = Array(input.dropFirst(3))
        try expect(data.allSatisfy(Digits.isDigit), "an article number that is not numeric")
        guard symbology != .eanSupplement else { return }
        try expect([8, 13].contains(scan.text.count), "an article number of \(scan.text.count) digits")
        try expect(Digits.passesGS1(scan.text), "an article number with a wrong check digit")
        try expect(data.starts(with: scan.text), "an article number that was not sent")
    }

    /// The first element of a code that announces GS1 data, by itself (General Specifications 3.2 and 7.8).
    private static func checkElementString(_ text: [UInt8]) throws(BrokenPromise) {
        let data = text.first == 0x1d ? text.dropFirst() : text[...]
        try expect(data.prefix(2).allSatisfy(Digits.isDigit) && data.count > 2, "GS1 data without an identifier")
        for (code, length) in keyLengths where data.starts(with: code.utf8) {
            let value = Array(data.dropFirst(code.utf8.count).prefix(length))
            try expect(
                value.count == length && Digits.passesGS1(value), "GS1 data whose first key fails its check digit")
        }
    }

    /// GS1 element strings and Digital Links.
    static let gs1 = FuzzEntry("gs1", maximumLength: 512) { input throws(BrokenPromise) in
        var source = ByteSource(input)
        let isLink = source.flag()
        let bytes = source.remaining()
        let message: GS1Message
        do throws(LoyaltyError) {
            message = try isLink ? GS1Message(digitalLink: bytes) : GS1Message(elementString: bytes)
        } catch {
            try expect(error.code == .gs1Syntax, "another code: \(error.code)")
            return
        }
        try expect(!message.elements.isEmpty, "a message without elements")
        var again: [UInt8] = []
        for element in message.elements {
            let code = element.identifier
            try expect(code.utf8.allSatisfy(Digits.isDigit) && (2...4).contains(code.utf8.count), "no identifier")
            try expect(!element.value.contains(0x1d), "a separator inside a value")
            if let length = keyLengths[code] {
                try expect(
                    element.value.count == length && Digits.passesGS1(element.value), "(\(code)) fails its check digit")
            }
            again += Array(code.utf8) + element.value + [0x1d]
        }
        let second: GS1Message
        do throws(LoyaltyError) { second = try GS1Message(elementString: again) } catch {
            throw BrokenPromise(description: "what was read cannot be written and read again")
        }
        try expect(second.elements == message.elements, "written and read again, the elements are others")
    }

    /// Keys of digits alone with a check digit (General Specifications 3.2).
    private static let keyLengths: [String: Int] = [
        "00": 18, "01": 14, "02": 14, "410": 13, "411": 13, "412": 13, "413": 13, "414": 13, "415": 13, "416": 13,
        "417": 13, "402": 17, "8017": 18, "8018": 18,
    ]
}
