import FoundationEssentials
import LoyaltyModel

/// One line of the till protocol, version 1, as this till writes it (docs/till-protocol.md).
struct NativeEvent: Encodable, Sendable {
    var type: String
    var id: String
    var source: String
    var epoch: String?
    var seq: UInt64?
    var time: String
    var businessDay: String?
    var sale: NativeSale?

    private enum CodingKeys: String, CodingKey {
        case version = "v"
        case type, id, source, epoch, seq, time, sale
        case businessDay = "business_day"
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(1, forKey: .version)
        try container.encode(type, forKey: .type)
        try container.encode(id, forKey: .id)
        try container.encode(source, forKey: .source)
        try container.encodeIfPresent(epoch, forKey: .epoch)
        try container.encodeIfPresent(seq, forKey: .seq)
        try container.encode(time, forKey: .time)
        try container.encodeIfPresent(businessDay, forKey: .businessDay)
        try container.encodeIfPresent(sale, forKey: .sale)
    }

    /// The line, with its line feed. - Throws: `sim.internal` where the encoder refuses, which it has no reason to.
    func line() throws(LoyaltyError) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do { return Array(try encoder.encode(self)) + [UInt8(ascii: "\n")] } catch {
            throw LoyaltyError(.simulatorInternal, "the event cannot be written: \(error)")
        }
    }
}

/// A sale in the words of the till protocol. Money and quantities are decimal strings.
struct NativeSale: Encodable, Sendable {
    struct Line: Encodable, Sendable {
        struct Code: Encodable, Sendable {
            var value: String
            var scheme: String
        }

        struct Return: Encodable, Sendable { var receipt: String }

        var id: String
        var kind: String
        var code: Code
        var name: String?
        var qty: String
        var uom = "ea"
        var unitPrice: String
        var amount: String
        var `return`: Return?

        private enum CodingKeys: String, CodingKey {
            case id, kind, code, name, qty, uom, amount, `return`
            case unitPrice = "unit_price"
        }
    }

    struct Tender: Encodable, Sendable {
        var kind: String
        var amount: String
    }

    struct Totals: Encodable, Sendable { var grand: String }

    var store: String
    var register: String
    var number: String
    var kind: String
    var state: String
    var closedAt: String?
    var currency: String
    var pricesIncludeTax: Bool?
    var lines: [Line]
    var tenders: [Tender]
    var totals: Totals

    private enum CodingKeys: String, CodingKey {
        case store, register, number, kind, state, currency, lines, tenders, totals
        case closedAt = "closed_at"
        case pricesIncludeTax = "prices_include_tax"
    }
}

extension LoyaltyError.Code {
    static let simulatorInternal = Self("sim.internal", kind: .internal)
}
