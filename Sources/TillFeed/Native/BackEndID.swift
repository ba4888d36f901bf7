import LoyaltyModel

/// Identifiers that a back end counts up or draws: one in ten of those with 12 to 14 digits would pass for the number of a payment card,
/// and cost its sale. Such a one is written with its digits apart, `6083548:234004`, which no screen takes for a card.
///
/// None of this goes for longer numbers, nor for texts that people write: payment cards have 15 digits and more, but for few.
enum BackEndID {
    private static let longest = 14

    /// The id as an event has it; the screen judges it all the same.
    static func harmless(_ id: String, _ screening: CardScreening) -> String {
        guard screening.containsPaymentCard(id) else { return id }
        guard isCounted(id) || isUUID(id) || isOdooReference(id) else { return id }
        return apart(id)
    }

    /// The member that a value names whose digits stand apart; nil for all other values.
    static func member(_ text: String, _ screening: CardScreening) -> CardNumber? {
        let id = text.replacing(":", with: "")
        guard id.utf8.count + 1 == text.utf8.count, isCounted(id), harmless(id, screening) == text else { return nil }
        // As the member's record has it, which knows no product codes.
        return CardNumber(verbatim: id)
    }

    private static func isCounted(_ text: String) -> Bool {
        (1...longest).contains(text.utf8.count) && text.utf8.allSatisfy { (0x30...0x39).contains($0) }
    }

    /// RFC 9562.
    private static func isUUID(_ text: String) -> Bool {
        let parts = text.utf8.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
        return parts.map(\.count) == [8, 4, 4, 4, 12]
            && parts.joined().allSatisfy { byte in
                (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte) || (0x41...0x46).contains(byte)
            }
    }

    /// `Order 50123-003-0014`: session, login and sequence, filled to 5, 3 and 4 digits. Cards that are printed in three groups
    /// have 4 digits in the first.
    private static func isOdooReference(_ text: String) -> Bool {
        let parts = text.utf8.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
        guard parts.count == 3, let session = parts[0].split(separator: 0x20).last else { return false }
        let digits = [session, parts[1], parts[2]]
        let isWord = parts[0].dropLast(session.count).allSatisfy { !(0x30...0x39).contains($0) && $0 < 0x80 }
        return isWord && digits.allSatisfy { $0.allSatisfy { (0x30...0x39).contains($0) } }
            && zip(digits, [5, 3, 4]).allSatisfy { $0.count >= $1 } && digits.map(\.count).reduce(0, +) <= longest
    }

    /// A colon for every dash, and one in the middle of every long run of digits.
    private static func apart(_ id: String) -> String {
        var bytes: [UInt8] = []
        var run: [UInt8] = []
        func flush() {
            let half = run.count < 12 ? run.count : (run.count + 1) / 2
            bytes += run.prefix(half)
            if half < run.count { bytes += [UInt8(ascii: ":")] + run.dropFirst(half) }
            run = []
        }
        for byte in id.utf8 {
            if (0x30...0x39).contains(byte) {
                run.append(byte)
                continue
            }
            flush()
            bytes.append(byte == UInt8(ascii: "-") ? UInt8(ascii: ":") : byte)
        }
        flush()
        return String(decoding: bytes, as: UTF8.self)
    }
}
