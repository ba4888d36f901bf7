import Foundation

/// An EAN-13 card of the tests' scheme: 2984, eight digits, and the check digit of the GS1 General Specifications 7.9.
func card(_ number: Int) -> String {
    let text = String(number)
    let digits = "2984" + String(repeating: "0", count: 8 - text.count) + text
    let sum = digits.utf8.enumerated().reduce(0) { $0 + Int($1.element - 48) * ($1.offset % 2 == 0 ? 1 : 3) }
    return digits + String((10 - sum % 10) % 10)
}

/// One line of the till protocol.
struct TestSale {
    var id: String
    var number: String
    var type = "sale.complete"
    var kind = "sale"
    var state = "completed"
    var lines: [(amount: String, more: String)]
    var cards: [String] = []
    var closedAt = "2026-11-22T09:30:00+00:00"
    /// Members of the event, and of the sale, with the comma behind.
    var event = ""
    var sale = ""

    /// A sale of one article.
    init(_ id: String, number: String? = nil, amount: String, card: String? = nil) {
        self.id = id
        self.number = number ?? id
        lines = [(amount, "")]
        cards = card.map { [$0] } ?? []
    }

    private func minor(_ text: String) -> Int {
        let parts = text.drop { $0 == "-" }.split(separator: ".")
        let value = (Int(parts[0]) ?? 0) * 100 + (parts.count > 1 ? Int(parts[1]) ?? 0 : 0)
        return text.hasPrefix("-") ? -value : value
    }

    var total: String {
        let sum = lines.reduce(0) { $0 + minor($1.amount) }
        let cents = String(abs(sum) % 100)
        return (sum < 0 ? "-" : "") + String(abs(sum) / 100) + "." + (cents.count < 2 ? "0" : "") + cents
    }

    var text: String {
        let items = lines.enumerated().map { index, line in
            // What comes back is the product of the line that it names.
            let product =
                line.more.range(of: #""line":""#).flatMap { line.more[$0.upperBound...].first.map(String.init) }
                ?? "\(index + 1)"
            return #"{"id":"\#(index + 1)","kind":"item","code":{"value":"A\#(product)","scheme":"sku"},"#
                + #""qty":"\#(line.amount.hasPrefix("-") ? "-1" : "1")","uom":"ea",\#(line.more)"amount":"\#(line.amount)"}"#
        }
        let members = cards.map { #"{"value":"\#($0)","entry":"scanned"}"# }
        return #"{"v":1,"type":"\#(type)","id":"\#(id)","source":"1/1",\#(event)"time":"\#(closedAt)","#
            + #""sale":{"store":"1","register":"1","number":"\#(number)","kind":"\#(kind)","state":"\#(state)","#
            + #""closed_at":"\#(closedAt)","currency":"GBP",\#(sale)"lines":[\#(items.joined(separator: ","))],"#
            + #""members":[\#(members.joined(separator: ","))],"totals":{"grand":"\#(total)"}}}"#
    }
}
