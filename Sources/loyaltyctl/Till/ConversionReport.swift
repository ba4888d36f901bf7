import ControlAPI
import DataFormats
import LoyaltyModel
import TillFeed

/// Prints converted documents as they come and counts them.
struct ConversionReport {
    private let file: String
    private let isJSON: Bool
    private var events = 0
    private var mismatches = 0
    private var checked = 0
    private(set) var problems = 0

    init(file: String, isJSON: Bool) {
        self.file = file
        self.isJSON = isJSON
    }

    /// - Throws: where a result cannot be written as JSON.
    mutating func add(_ document: ConvertedDocument) throws(LoyaltyError) {
        var entry = ConvertedEntry(line: document.place.line, column: document.place.column)
        let style = Style.standardError
        switch document.outcome {
        case .event(let event):
            events += 1
            entry.flags = event.flags
            entry.totals = event.totals.map(ConvertedEntry.Totals.init)
            if let totals = event.totals {
                checked += 1
                if !totals.agrees { mismatches += 1 }
            }
            if !isJSON {
                Terminal.print(event.line)
                Terminal.printError(text(event, at: document.place, style))
            }
        case .problem(let problem):
            problems += 1
            entry.error = ConvertedEntry.Problem(problem.error)
            if !isJSON {
                var error = problem.error
                error.place?.file = file
                Terminal.printError(style.apply(.bad, "\(error)"))
            }
        }
        guard isJSON else { return }
        // The event stays as it is, so it is put in by hand.
        var line = String(decoding: try ContractCoding.encode(entry), as: UTF8.self)
        if case .event(let event) = document.outcome {
            line = "{\"event\":\(event.line),\(line.dropFirst())"
        }
        Terminal.print(line)
    }

    func finish() {
        guard !isJSON else { return }
        var text = Words.count(events, "event", "events")
        if checked > 0 {
            text += mismatches == 0 ? ", all totals agree" : ", totals disagree in \(mismatches) of \(checked)"
        }
        if problems > 0 { text += ", \(Words.count(problems, "document", "documents")) could not be read" }
        Terminal.printError(text)
    }

    private func place(_ place: Place) -> String {
        var place = place
        place.file = file
        return place.description
    }

    private func text(_ event: ConvertedEvent, at place: Place, _ style: Style) -> String {
        var text = "\(self.place(place)): "
        if let totals = event.totals {
            let sums =
                "lines \(totals.lines.amountText) - discounts \(totals.discounts.amountText)"
                + (totals.taxIsIncluded ? "" : " + taxes \(totals.taxes.amountText)")
            text +=
                totals.agrees
                ? style.apply(.good, "totals agree") + " (\(sums) = \(totals.grand))"
                : style.apply(.bad, "totals disagree")
                    + " (\(sums) = \(totals.expected.amountText), the till says \(totals.grand))"
        } else {
            text += "no total to check"
        }
        if !event.flags.isEmpty { text += "; flags: " + event.flags.map(Words.plain).joined(separator: ", ") }
        return text
    }
}

/// One document of `till convert --json`, besides its event.
struct ConvertedEntry: Encodable {
    struct Totals: Encodable {
        var lines: Money
        var discounts: Money
        var taxes: Money
        var taxIncluded: Bool
        var expected: Money
        var grand: Money
        var agrees: Bool

        private enum CodingKeys: String, CodingKey {
            case lines, discounts, taxes, expected, grand, agrees
            case taxIncluded = "tax_included"
        }

        init(_ check: TotalsCheck) {
            lines = check.lines
            discounts = check.discounts
            taxes = check.taxes
            taxIncluded = check.taxIsIncluded
            expected = check.expected
            grand = check.grand
            agrees = check.agrees
        }
    }

    struct Problem: Encodable {
        var code: String
        var message: String
        var line: Int?
        var column: Int?
        var path: String?
        var remedy: String?

        init(_ error: LoyaltyError) {
            code = error.code.name
            message = error.message
            line = error.place?.line
            column = error.place?.column
            path = error.place?.path
            remedy = error.remedy
        }
    }

    var line: Int?
    var column: Int?
    var flags: [String]?
    var totals: Totals?
    var error: Problem?
}
