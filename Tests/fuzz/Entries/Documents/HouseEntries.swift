import CardReading
import DataFormats
import EarnRules
import FoundationEssentials
import LoyaltyModel
import ReaderCaptures
import TillFeed

extension FuzzEntry {
    /// Capture files, with the recordings in them.
    static let capture = FuzzEntry("capture", maximumLength: 4096) { input throws(BrokenPromise) in
        let report: CaptureReport
        do throws(LoyaltyError) { report = try CaptureReport(Capture(json: input)) } catch { return }
        for scan in report.cases.flatMap(\.scans) {
            guard let text = scan.text else { continue }
            let isArticle = ["ean13", "ean8", "upca", "upce"].contains(scan.symbology)
            for run in Digits.runs(Array(text.utf8)) where Digits.isPaymentCard(run) {
                let isExempt = isArticle || scan.elements != nil || (run.count == 13 && Digits.passesGS1(run))
                try expect(isExempt, "the report of a recording shows a payment card")
            }
        }
    }

    /// A program file, and what it gives for a basket.
    static let program = FuzzEntry("program", maximumLength: 4096) { input throws(BrokenPromise) in
        let text = String(decoding: input, as: UTF8.self)
        let program: Program
        do throws(LoyaltyError) {
            program = try Program.load(toml: text, file: nil, hash: String(repeating: "0", count: 64))
        } catch {
            let lines = text.utf8.split(separator: 10, omittingEmptySubsequences: false).count
            return try checkPlace(error, lines: lines)
        }
        guard let basket else { throw BrokenPromise(description: "the basket cannot be read") }
        guard let result = try? program.evaluate(basket) else { return }
        let again = try? program.evaluate(basket)
        try expect(again == result, "evaluated twice, a basket earns something else")
    }

    private static let basket: EarnInput? = {
        let line = """
            {"v":1,"type":"sale.complete","id":"e-1","source":"300/1","time":"2026-03-07T10:15:30+01:00","sale":{"store":"300",\
            "register":"1","number":"0042","kind":"sale","state":"completed","currency":"EUR","lines":[\
            {"id":"1","kind":"item","code":{"value":"4006381333931","scheme":"gtin"},"dept":["Food"],"qty":"2","uom":"ea",\
            "unit_price":"4.99","amount":"9.98"},\
            {"id":"2","kind":"weighted","code":{"value":"4011","scheme":"plu"},"name":"Bananas","dept":["Fresh","Fruit"],\
            "qty":"0.815","uom":"kg","unit_price":"1.99","amount":"1.62"}],"totals":{"grand":"11.60"}}}
            """
        guard let classifier = try? CardClassifier(schemes: []),
            let event = try? TillEventDecoder(screening: CardScreening(classifier: classifier)).decode(
                Array(line.utf8)),
            case .sale(_, let sale) = event.content, let day = try? CalendarDate("2026-03-07")
        else { return nil }
        return EarnInput(sale: sale, occurredAt: event.time, businessDay: day, member: nil)
    }()

    /// One line of the till protocol. What is kept of a refused line must not hold a card.
    static let tillLine = FuzzEntry("till-line", maximumLength: 2048) { input throws(BrokenPromise) in
        guard let tillDecoder else { throw BrokenPromise(description: "no classifier") }
        let event: TillEvent
        do throws(TillLineProblem) {
            event = try tillDecoder.decode(input)
        } catch {
            return try checkProblem(error)
        }
        for card in event.cards {
            guard case .number(let number) = card.value else { continue }
            let digits = Array(number.value.utf8)
            let isExempt = card.kind == .phone || (digits.count == 13 && Digits.passesGS1(digits))
            try expect(isExempt || !Digits.isPaymentCard(digits), "a payment card from a till")
        }
    }

    /// As the daemon decodes, with no card schemes.
    static let tillDecoder = (try? CardClassifier(schemes: [])).map {
        TillEventDecoder(screening: CardScreening(classifier: $0))
    }

    static func checkProblem(_ problem: TillLineProblem) throws(BrokenPromise) {
        try expect(problem.redactedLine.utf8.count <= 16_384 + 16, "a long line in quarantine")
        for text in [problem.redactedLine, problem.error.message, problem.error.remedy ?? ""] {
            for run in Digits.runs(text) {
                try expect(!Digits.isPaymentCard(run), "a payment card in quarantine or in an answer")
            }
        }
    }

    /// A row of the member feed, as NDJSON.
    static let memberRow = FuzzEntry("member-row") { input throws(BrokenPromise) in
        guard let row = try? JSONDecoder().decode(MemberRow.self, from: Data(input)) else { return }
        if let bytes = try? JSONEncoder().encode(row) {
            try expect(
                (try? JSONDecoder().decode(MemberRow.self, from: bytes)) == row,
                "written and read again, a row is another")
        }
        guard let change = try? row.change(isPaymentCard: PaymentScreen.containsPaymentCard),
            case .upsert(let record) = change
        else { return }
        for card in record.cards {
            let digits = Array(card.value.utf8)
            let isArticle = digits.count == 13 && Digits.passesGS1(digits)
            try expect(isArticle || !Digits.isPaymentCard(digits), "a payment card in the member file")
        }
    }
}
