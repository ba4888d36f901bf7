import LoyaltyModel

/// How a file writes numbers: `1.234,50` has a decimal separator `,` and a grouping separator `.`.
struct CSVNumberFormat: Sendable, Equatable {
    /// `.` or `,`.
    var decimalSeparator: Character = "."
    /// Without one, digits in groups are refused: read as decimals they would be a thousandth.
    var groupingSeparator: Character?

    /// Reads a decimal, also with its minus behind it (`12,50-`), as some ledgers write it, or without a digit in
    /// front of the separator (`,50`).
    ///
    /// - Throws: `number.syntax`, `number.overflow`.
    func decimal(_ text: String) throws(LoyaltyError) -> DecimalNumber {
        var text = Substring(text)
        if text.last == "-", text.first != "-", text.first != "+" { text = "-" + text.dropLast() }
        var whole = text
        var decimals: Substring?
        if let index = text.firstIndex(of: decimalSeparator) {
            whole = text[..<index]
            decimals = text[text.index(after: index)...]
        }
        if whole.contains(where: isGrouping) {
            let groups = whole.split(omittingEmptySubsequences: false, whereSeparator: isGrouping)
            let first = groups[0].drop { $0 == "-" || $0 == "+" }
            guard (1...3).contains(first.utf8.count), groups.dropFirst().allSatisfy({ $0.utf8.count == 3 }) else {
                throw LoyaltyError(.numberSyntax, "expected groups of three digits")
            }
            whole = Substring(groups.joined())
        }
        let other: Character = decimalSeparator == "." ? "," : "."
        if whole.contains(other) || decimals?.contains(other) == true {
            throw LoyaltyError(
                .numberSyntax, "expected a number, with its decimals behind \"\(decimalSeparator)\"",
                remedy: "Write till.csv.decimal_separator or till.csv.grouping_separator as the file has it")
        }
        guard let decimals else { return try ExactNumber.decimal(whole) }
        let hasDigits = whole.utf8.last.map { (48...57).contains($0) } ?? false
        return try ExactNumber.decimal("\(whole)\(hasDigits ? "" : "0").\(decimals)")
    }

    /// A blank between groups is a no-break one as often as not.
    private func isGrouping(_ character: Character) -> Bool {
        character == groupingSeparator
            || groupingSeparator == " " && (character == "\u{a0}" || character == "\u{202f}")
    }
}
