/// Finds payment card numbers, so that none gets in (promise 4 of the product; PCI DSS 4.0 requirement 3).
public enum PaymentScreen {
    /// Whether free text holds the number of a payment card: bare, in groups, padded with zeros, in a URL, or as a track.
    ///
    /// Needs prefix, length and, but for networks that issue numbers without it, the Luhn digit; in the layout of a magnetic track prefix and length do. Digits with a valid GS1
    /// check digit in the lengths of UPC-A and EAN-13 are article numbers and pass.
    public static func containsPaymentCard(_ text: String) -> Bool {
        finding(in: text) != .none
    }

    /// The text with `#` for every digit of a payment card number and of every run of 7 or more digits, also where blanks or
    /// dashes stand between them. What a track 1 says behind the number is masked as well.
    public static func redacted(_ text: String) -> String {
        let runs = DigitRuns(text)
        var scalars = runs.scalars
        var masks: [Range<Int>] = hits(in: runs, minimumLength: PaymentRange.lengths.lowerBound).map(\.digits)
        var start = 0
        while start < runs.groups.count {
            var end = start + 1
            while end < runs.groups.count, runs.groups[end].joint == .tight { end += 1 }
            let digits = runs.groups[start].start..<runs.groups[end - 1].end
            if digits.count >= 7 { masks.append(digits) }
            start = end
        }
        for mask in masks {
            for position in runs.positions[mask] { scalars[position] = "#" }
            guard let last = runs.positions[mask].last, last + 1 < scalars.count, scalars[last + 1] == "^" else {
                continue
            }
            for index in (last + 2)..<scalars.count {
                guard runs.scalars[index] != "^", runs.scalars[index] != "?" else { break }
                scalars[index] = "#"
            }
        }
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars)
        return String(view)
    }

    /// How sure the screen is.
    enum Finding: Int, Comparable {
        case none
        /// In a range that networks and loyalty programs share: a configured scheme may claim it.
        case contested
        case certain

        static func < (left: Finding, right: Finding) -> Bool { left.rawValue < right.rawValue }
    }

    /// - Parameter minimumLength: shorter numbers are not looked at; above 12 where the text is a telephone number.
    static func finding(in text: some StringProtocol, minimumLength: Int = PaymentRange.lengths.lowerBound) -> Finding {
        guard mayHold(digits: minimumLength, text) else { return .none }
        return hits(in: DigitRuns(text), minimumLength: minimumLength).map(\.finding).max() ?? .none
    }

    /// False only where the text has too few digits for any number: nearly all texts of a sale, so they cost next to nothing.
    private static func mayHold(digits minimum: Int, _ text: some StringProtocol) -> Bool {
        var digits = 0
        for byte in text.utf8 {
            // Digits of other scripts lie beyond ASCII.
            if byte >= 0x80 { return true }
            if byte &- 0x30 < 10 { digits += 1 }
        }
        return digits >= minimum
    }

    /// A number read from a magnetic track. No Luhn: published sample cards of vendors fail it, and a masked one may pass.
    ///
    /// - Parameters:
    ///   - digits: what stands before the first separator.
    ///   - isFinancial: whether the track has the layout of a bank card (ISO/IEC 7813): format code B, or an expiry date.
    static func finding(track digits: [UInt8], isFinancial: Bool) -> Finding {
        guard PaymentRange.lengths.contains(digits.count) else {
            return finding(in: String(decoding: digits, as: UTF8.self))
        }
        let prefix = PaymentPrefix(digits)
        if prefix.isCore || prefix.isOwned(length: digits.count) { return .certain }
        if isFinancial, prefix.owned != 0 || prefix.isContested(length: digits.count) { return .contested }
        return finding(in: String(decoding: digits, as: UTF8.self))
    }

    private struct Hit {
        var digits: Range<Int>
        var finding: Finding
    }

    private static func hits(in runs: DigitRuns, minimumLength: Int) -> [Hit] {
        var hits: [Hit] = []
        for index in runs.groups.indices {
            if let hit = bareHit(runs, at: index, minimumLength: minimumLength) { hits.append(hit) }
            if let hit = groupedHit(runs, from: index, minimumLength: minimumLength) { hits.append(hit) }
        }
        return hits
    }

    /// A number in one piece.
    private static func bareHit(_ runs: DigitRuns, at index: Int, minimumLength: Int) -> Hit? {
        let group = runs.groups[index]
        let whole = runs.digits[group.start..<group.end]
        guard whole.count >= minimumLength, !ArticleNumber.isPlausible(whole) || isTrack(runs, group) else {
            return nil
        }
        let digits = whole.drop { $0 == 0x30 }
        let prefix = PaymentPrefix(digits.prefix(PaymentRange.maximumWidth))
        guard digits.count >= minimumLength, prefix.owned != 0 || prefix.contested != 0 else { return nil }
        let range = digits.startIndex..<digits.endIndex
        if digits.count > PaymentRange.lengths.upperBound {
            return isFollowedByExpiry(digits, prefix) ? Hit(digits: range, finding: .certain) : nil
        }
        if isTrack(runs, group) {
            if prefix.isCore || prefix.isOwned(length: digits.count) { return Hit(digits: range, finding: .certain) }
            if prefix.isContested(length: digits.count) { return Hit(digits: range, finding: .contested) }
        }
        guard prefix.skipsLuhn(length: digits.count) || Luhn.isValid(digits) else { return nil }
        if prefix.isOwned(length: digits.count) { return Hit(digits: range, finding: .certain) }
        if prefix.isContested(length: digits.count) { return Hit(digits: range, finding: .contested) }
        return nil
    }

    /// A number in groups as printed on cards: 4-4-4-4, 4-6-5, 6-13, or any groups of one size.
    private static func groupedHit(_ runs: DigitRuns, from index: Int, minimumLength: Int) -> Hit? {
        guard index + 1 < runs.groups.count, runs.groups[index + 1].joint != .none else { return nil }
        let start = runs.groups[index].start
        let available = runs.digits[start..<min(start + PaymentRange.maximumWidth, runs.digits.endIndex)]
        let prefix = PaymentPrefix(available)
        guard prefix.owned != 0 || prefix.contested != 0 else { return nil }
        var best: Hit?
        var smallest = Int.max
        var isEven = true
        let size = runs.groups[index].end - start
        var next = index + 1
        while next < runs.groups.count, runs.groups[next].joint != .none {
            let before = runs.groups[next - 1]
            let last = runs.groups[next]
            let total = last.end - start
            // Longer groups are article numbers with a quantity or a price behind them.
            guard total <= PaymentRange.lengths.upperBound, before.end - before.start <= 11 else { break }
            smallest = min(smallest, before.end - before.start)
            isEven = isEven && before.end - before.start == size
            next += 1
            guard total >= minimumLength, smallest >= 3 || (isEven && last.end - last.start <= size),
                prefix.skipsLuhn(length: total) || Luhn.isValid(runs.digits[start..<last.end])
            else { continue }
            guard prefix.isOwned(length: total) || prefix.isContested(length: total) else { continue }
            let finding = max(best?.finding ?? .none, prefix.isOwned(length: total) ? .certain : .contested)
            best = Hit(digits: start..<last.end, finding: finding)
        }
        return best
    }

    /// Number, expiry date and more run together, as a stripe reader without separators types it.
    private static func isFollowedByExpiry(_ digits: ArraySlice<UInt8>, _ prefix: PaymentPrefix) -> Bool {
        PaymentRange.lengths.contains { length in
            guard prefix.isOwned(length: length), digits.count >= length + 4 else { return false }
            let date = digits.dropFirst(length).prefix(4)
            return Luhn.isValid(digits.prefix(length)) && (isMonth(date.suffix(2)) || isMonth(date.prefix(2)))
        }
    }

    /// Whether `=YYMM` or a track 1 separator follows the group.
    private static func isTrack(_ runs: DigitRuns, _ group: DigitRuns.Group) -> Bool {
        guard let follower = runs.follower(of: group) else { return false }
        if follower == "^" { return true }
        guard follower == "=", group.end + 4 <= runs.digits.count else { return false }
        let isAdjacent = runs.positions[group.end + 3] == runs.positions[group.end - 1] + 5
        return isAdjacent && isMonth(runs.digits[(group.end + 2)..<(group.end + 4)])
    }

    static func isMonth(_ digits: some Collection<UInt8>) -> Bool {
        (1...12).contains(digits.reduce(0) { $0 * 10 + $1.digitValue })
    }
}
