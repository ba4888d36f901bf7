import LoyaltyModel
import TillFeed

/// A payment screen for these tests: 13 to 19 digits in a row that begin with 4 or 5 and pass the Luhn test (ISO/IEC 7812-1).
let screening = CardScreening(
    classify: { text, _, _ in
        if paymentNumbers(in: text) != text { return .refused(.paymentCard) }
        return CardNumber(text).map { .number($0) } ?? .refused(.unreadable)
    },
    containsPaymentCard: { paymentNumbers(in: $0) != $0 },
    redacted: { paymentNumbers(in: $0) }
)

private func paymentNumbers(in text: String) -> String {
    var result = ""
    for part in text.split(separator: " ", omittingEmptySubsequences: false) {
        if !result.isEmpty { result += " " }
        result += isPaymentNumber(part) ? "[card]" : part
    }
    return result
}

private func isPaymentNumber(_ text: Substring) -> Bool {
    let digits = text.compactMap(\.wholeNumberValue)
    guard digits.count == text.count, (13...19).contains(digits.count), digits[0] == 4 || digits[0] == 5 else {
        return false
    }
    var sum = 0
    for (index, digit) in digits.reversed().enumerated() {
        let doubled = index.isMultiple(of: 2) ? digit : digit * 2
        sum += doubled > 9 ? doubled - 9 : doubled
    }
    return sum.isMultiple(of: 10)
}

let decoder = TillEventDecoder(screening: screening)

/// The smallest sale that the protocol allows.
func saleLine(id: String, number: String = "1") -> String {
    #"{"v":1,"type":"sale.complete","id":"\#(id)","source":"300/1","time":"2026-11-22T09:30:00+01:00","#
        + #""sale":{"store":"300","register":"1","number":"\#(number)","kind":"sale","state":"completed","#
        + #""currency":"EUR","lines":[],"totals":{"grand":"0"}}}"#
}
