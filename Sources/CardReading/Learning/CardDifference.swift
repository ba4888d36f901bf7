/// How two readings of what should be one card differ. Positions, never characters.
public struct CardDifference: Sendable, Hashable {
    public enum Cause: Sendable, Hashable {
        /// Characters are missing in one of them.
        case dropped(count: Int)
        /// One of them breaks off.
        case cutOff
        /// One of them holds the other one twice.
        case doubled
        case letterCase
        /// The same length, but some characters are others.
        case misread
    }

    public let cause: Cause
    /// Where they differ, counted from 1 in the longer one.
    public let positions: [Int]

    /// Above that share of the characters two readings are two cards.
    private static let mostDiffering = 3

    /// - Returns: nil where they are so different that these were two cards.
    static func between(_ first: [UInt8], _ second: [UInt8]) -> CardDifference? {
        let (long, short) = first.count >= second.count ? (first, second) : (second, first)
        guard !short.isEmpty, long != short else { return nil }
        if long == short + short { return CardDifference(cause: .doubled, positions: []) }
        guard long.count > short.count else { return sameLength(first, second) }
        // A shorter number may be another card's; half of it is not.
        if long.starts(with: short) {
            return CardDifference(cause: .cutOff, positions: Array(short.count + 1...long.count))
        }
        guard let missing = missing(of: long, in: short), missing.count * 3 < long.count else { return nil }
        return CardDifference(cause: .dropped(count: missing.count), positions: missing)
    }

    private static func sameLength(_ first: [UInt8], _ second: [UInt8]) -> CardDifference? {
        let positions = first.indices.filter { first[$0] != second[$0] }
        let isCase = positions.allSatisfy { first[$0].isASCIILetter && first[$0] ^ second[$0] == 0x20 }
        if isCase { return CardDifference(cause: .letterCase, positions: positions.map { $0 + 1 }) }
        guard positions.count <= mostDiffering, positions.count * 3 <= first.count else { return nil }
        return CardDifference(cause: .misread, positions: positions.map { $0 + 1 })
    }

    /// The positions of characters that were left out; nil where `short` is no such remainder.
    private static func missing(of long: [UInt8], in short: [UInt8]) -> [Int]? {
        var positions: [Int] = []
        var rest = short[...]
        for (index, byte) in long.enumerated() {
            if rest.first == byte { rest = rest.dropFirst() } else { positions.append(index + 1) }
        }
        return rest.isEmpty ? positions : nil
    }

    public var message: String {
        let place = positions.count == 1 ? "character \(positions[0])" : "characters \(Self.list(positions))"
        switch cause {
        case .dropped(let count):
            return count == 1 ? "one character, number \(positions[0]), is missing" : "\(place) are missing"
        case .cutOff: return "one reading breaks off behind character \((positions.first ?? 1) - 1)"
        case .doubled: return "the card stands there twice in one reading"
        case .letterCase: return "\(place): capitals in one reading, small letters in the other"
        case .misread:
            return
                "not the same as before: \(place) of the \(positions.count == 1 ? "reading differs" : "reading differ")"
        }
    }

    public var remedy: String {
        switch cause {
        case .dropped, .cutOff:
            "the reader types too fast or the cable is bad: set a delay between characters by its manual, try another "
                + "port without a hub, then scan the same card again"
        case .doubled: "scan once, and wait a second"
        case .letterCase: "the reader follows Caps Lock: switch that off by its manual, then scan the same card again"
        case .misread:
            "a different card, or one misread: clean the card, have the reader verify check digits, then scan the same "
                + "card again"
        }
    }

    private static func list(_ positions: [Int]) -> String {
        let isRun = zip(positions, positions.dropFirst()).allSatisfy { $1 == $0 + 1 }
        if isRun, let first = positions.first, let last = positions.last, positions.count > 2 {
            return "\(first) to \(last)"
        }
        return positions.map(String.init).joined(separator: ", ")
    }
}
