internal import Crypto
internal import Foundation
internal import LoyaltyModel

/// Key F: SHA-256 over what a sale says of goods and money, however its lines are ordered.
///
/// The minute of `closed_at` is part of it only where the till gives one: the event's own time is another at every resend.
enum SaleFingerprint {
    static func of(_ sale: Sale) -> Data {
        var lines = sale.lines.map { line in
            "\(line.kind.rawValue)|\(line.code?.value ?? "")|\(plain(line.quantity))|\(line.amount)|\(line.voided)"
        }
        lines.sort()
        var tenders = sale.tenders.map { "\($0.kind.rawValue)|\($0.amount)" }
        tenders.sort()
        let minute = sale.closedAt.map { "\($0.microseconds / 60_000_000)" } ?? ""
        var parts = [lines, [sale.totals.grand.description], tenders, [minute]]
        let redeemed = sale.spentOn.map { "\($0.reward)|\(plain($0.points))" }.sorted()
        // Without rewards the digest is that of versions which knew none.
        if !redeemed.isEmpty { parts.append(redeemed) }
        var hash = SHA256()
        for part in parts {
            for text in part {
                hash.update(data: Data(text.utf8))
                hash.update(data: Data([0]))
            }
            hash.update(data: Data([1]))
        }
        return Data(hash.finalize())
    }

    /// What makes two events with one identity the same event: the fingerprint, and which document it is about.
    static func digest(_ sale: Sale, verb: TillEvent.SaleVerb, fingerprint: Data) -> Data {
        digest(
            fingerprint,
            [
                verb.rawValue, sale.store, sale.register, sale.number, sale.uid ?? "", sale.state.rawValue,
                "\(sale.revision ?? 0)",
            ])
    }

    static func digest(_ start: Data, _ texts: [String]) -> Data {
        var hash = SHA256()
        hash.update(data: start)
        for text in texts {
            hash.update(data: Data(text.utf8))
            hash.update(data: Data([0]))
        }
        return Data(hash.finalize())
    }

    /// 1.50 and 1.5 are one quantity.
    private static func plain(_ number: DecimalNumber) -> String {
        guard number.scale > 0 else { return number.description }
        var text = number.description[...]
        while text.hasSuffix("0") { text = text.dropLast() }
        return String(text.hasSuffix(".") ? text.dropLast() : text)
    }
}
