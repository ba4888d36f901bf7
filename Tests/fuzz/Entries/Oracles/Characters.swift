import CardReading
import LoyaltyModel

/// Whether a scan is what a reader's characters say: the characters themselves but for an identifier in front, a line end
/// behind, and the canonical form of article numbers.
enum Characters {
    static func explain(_ scan: DecodedScan, _ characters: [UInt8]) -> Bool {
        trimmed(characters).contains { isReading(scan, of: $0) }
    }

    /// Without the NUL bytes that fill the last report, and one trailing line end or TAB.
    static func trimmed(_ characters: [UInt8]) -> [[UInt8]] {
        var bytes = characters[...]
        var forms = [characters]
        while bytes.last == 0 { bytes.removeLast() }
        forms.append(Array(bytes))
        for suffix: [UInt8] in [[13, 10], [9, 10], [13], [10], [9]]
        where bytes.suffix(suffix.count).elementsEqual(suffix) {
            forms.append(Array(bytes.dropLast(suffix.count)))
            break
        }
        return forms
    }

    private static func isReading(_ scan: DecodedScan, of characters: [UInt8]) -> Bool {
        if scan.entry == .msr {
            let clear = characters.prefix { $0 != UInt8(ascii: "|") }
            if clear.elementsEqual(scan.text) { return scan.hadEncryptedBlock == (clear.count < characters.count) }
            guard let swipe = FrameOracle.typed(characters) else { return false }
            return swipe.text == scan.text && swipe.hasMore == scan.hadEncryptedBlock
        }
        let sources =
            scan.symbology.map(isArticle) == true ? Digits.sources(ofArticle: scan.text) : [scan.text]
        // A supplement of two or five digits behind an article number is cut off.
        let forms = withoutIdentifier(characters)
        return forms.contains { form in
            sources.contains(form)
                || (scan.text.count == 13 && [15, 18].contains(form.count) && form.starts(with: scan.text)
                    && Digits.passesGS1(scan.text))
        }
    }

    static func isArticle(_ symbology: Symbology) -> Bool {
        [.ean13, .ean8, .upca, .upce, .eanSupplement].contains(symbology)
    }

    /// With `]cm` in front, or a vendor's letter and `]cm`.
    private static func withoutIdentifier(_ characters: [UInt8]) -> [[UInt8]] {
        var forms = [characters]
        for skipped in 0...1 where characters.count >= skipped + 3 && characters[skipped] == UInt8(ascii: "]") {
            forms.append(Array(characters.dropFirst(skipped + 3)))
        }
        return forms
    }
}
