import DataFormats
import LoyaltyModel
import TillFeed

extension FuzzEntry {
    // As long as one sale of the dialect with all that a reader looks at; longer inputs repeat, and cost pace.
    static let poslog = dialect(.poslog, maximumLength: 2048)
    static let square = dialect(.square, maximumLength: 1024)
    static let shopify = dialect(.shopify, maximumLength: 1024)
    static let odoo = dialect(.odoo, maximumLength: 1024)
    static let csvSales = dialect(.csv, maximumLength: 640)

    /// Documents of one dialect: what comes out of them is an event that a till might have sent as it is, and no payment card.
    private static func dialect(_ dialect: TillDialect, maximumLength: Int) -> FuzzEntry {
        let all = settings
        let name = dialect == .csv ? "csv-sales" : dialect.rawValue
        return FuzzEntry(name, maximumLength: maximumLength) { input throws(BrokenPromise) in
            var source = ByteSource(input)
            let choice = source.byte()
            // Of CSV the top bit chooses how the file is written.
            let piece = 1 + Int(dialect == .csv ? choice & 127 : choice)
            let bytes = source.remaining()
            let chosen = dialect == .csv && choice & 128 != 0 ? all.last : all.first
            guard let settings = chosen.flatMap(\.self), let tillDecoder,
                var reader = try? dialect.reader(settings, decoder: tillDecoder)
            else {
                throw BrokenPromise(description: "no reader for the dialect")
            }
            let documents = reader.append(bytes) + reader.finish()
            for document in documents {
                switch document.outcome {
                case .event(let event): try checkConverted(event, tillDecoder)
                case .problem(let problem): try checkProblem(problem)
                }
            }
            guard let format = try? TillInputFormat(dialect, settings, decoder: tillDecoder) else {
                throw BrokenPromise(description: "no framer for the dialect")
            }
            var framer = format.framer()
            var frames: [TillFrame] = []
            for start in stride(from: 0, to: bytes.count, by: piece) {
                frames += framer.append(bytes[start..<min(start + piece, bytes.count)])
            }
            frames += framer.finish()
            try expect(
                frames == documents.map(TillFrame.init), "the events depend on how the stream is cut into pieces")
        }
    }

    /// The event comes back from its native line, its totals are those of its lines, and no card is in it.
    private static func checkConverted(
        _ converted: ConvertedEvent, _ decoder: TillEventDecoder
    ) throws(BrokenPromise) {
        let line = converted.line
        var again: TillEvent
        do throws(TillLineProblem) { again = try decoder.decode(Array(line.utf8)) } catch {
            throw BrokenPromise(description: "a native line that the protocol refuses: \(error.error)")
        }
        var event = converted.event
        // Of a refused card the line keeps nothing; flags are no part of the protocol.
        event.cards.removeAll { if case .refused = $0.value { true } else { false } }
        again.flags = event.flags
        try expect(again == event, "the native line is another event")
        try expect(event.flags == converted.flags, "the event has other flags")
        try checkTotals(converted)
        try checkNative(converted.native)
    }

    private static func checkTotals(_ converted: ConvertedEvent) throws(BrokenPromise) {
        guard case .sale(_, let sale) = converted.event.content, let totals = converted.totals else {
            return try expect(!converted.flags.contains("totals_mismatch"), "a mismatch of totals that nobody added up")
        }
        let lines = sale.lines.filter { !$0.voided }.reduce(0) { $0 + Int128($1.amount.minorUnits) }
        let discounts = sale.discounts.reduce(0) { $0 + Int128($1.amount.minorUnits.magnitude) }
        let included = lines < 0 ? lines + discounts : lines - discounts
        let added = included + Int128(totals.taxes.minorUnits)
        let expected = totals.taxIsIncluded ? included : added
        let isRight =
            Int128(totals.lines.minorUnits) == lines && Int128(totals.discounts.minorUnits) == discounts
            && Int128(totals.expected.minorUnits) == expected && totals.grand == sale.totals.grand
        try expect(isRight, "the check of the totals has other figures than the sale")
        let grand = Int128(sale.totals.grand.minorUnits)
        try expect(
            (expected == grand) != converted.flags.contains("totals_mismatch"),
            "a mismatch of totals that is not flagged")
        if sale.pricesIncludeTax == nil, included == grand || added == grand {
            try expect(expected == grand, "the totals agree with or without tax, and are flagged")
        }
    }

    /// Product codes apart, of which many pass for a card number.
    private static func checkNative(_ node: DataNode) throws(BrokenPromise) {
        switch node.value {
        case .string(let text), .decimal(let text): try checkText(text)
        case .integer(let number): try checkText(String(number))
        case .array(let nodes): for node in nodes { try checkNative(node) }
        case .table(let entries):
            let isGTIN = entries.contains { $0.key == "scheme" && $0.node.value == .string("gtin") }
            for entry in entries where !(isGTIN && entry.key == "value") { try checkNative(entry.node) }
        default: break
        }
    }

    private static func checkText(_ text: String) throws(BrokenPromise) {
        for run in Digits.runs(text) where Digits.isPaymentCard(run) {
            try expect(run.count == 13 && Digits.passesGS1(run), "a payment card in a native event")
        }
    }

    /// As Examples/till/documents/README.md says, with the columns of two of the CSV samples.
    private static let settings: [AdapterSettings?] = [
        """
        number = "Receipt"
        time = "Time"
        quantity = "Qty"
        amount = "Amount"
        unit_price = "Price"
        code = "Item"
        code_scheme = "sku"
        name = "Text"
        member = "Customer"
        member_scheme = "member_id"
        register = "Till"
        total = "Total"
        status = "State"
        kinds = { POST = "fee", "GIFT*" = "gift_card" }
        statuses = { sold = "completed", parked = "suspended", void = "voided", broken = "cancelled" }
        """,
        """
        separator = ";"
        encoding = "windows-1252"
        decimal_separator = ","
        grouping_separator = "."
        number = "Bon-Nr."
        time = ["Datum", "Uhrzeit"]
        time_format = "dd.MM.yyyy HH:mm:ss"
        business_day = "Buchungstag"
        day_format = "dd.MM.yy"
        code = "Artikel"
        code_scheme = "sku"
        name = "Bezeichnung"
        department = "Warengruppe"
        quantity = "Menge"
        amount = "Betrag"
        total = "Summe"
        member = "Kundenkarte"
        register = "Kasse"
        """,
    ].map { text in
        guard let document = try? TOMLDocument.parse(text, file: nil), let table = try? TableReader(document),
            let columns = try? CSVColumns(table), let currency = try? Currency("USD")
        else { return nil }
        return AdapterSettings(store: "1", currency: currency, columns: columns) { _ in 60 }
    }

    /// The lines of the socket and the pipe, in pieces of any size, with a limit that small inputs reach.
    static let lineFramer = FuzzEntry("line-framer", maximumLength: 512) { input throws(BrokenPromise) in
        var source = ByteSource(input)
        let limit = source.choice(24)
        let pieces = (0..<4).map { _ in 1 + source.choice(40) }
        let bytes = source.remaining()
        var framer = LineFramer(limit: limit)
        var frames: [TillFrame] = []
        var (rest, turn) = (bytes[...], 0)
        while !rest.isEmpty {
            frames += framer.append(rest.prefix(pieces[turn % 4]))
            rest = rest.dropFirst(pieces[turn % 4])
            turn += 1
        }
        if let last = framer.finish() { frames.append(last) }
        try expect(framer.finish() == nil, "something is left behind the end")
        let lines = bytes.split(separator: 10, omittingEmptySubsequences: false).compactMap { frame($0, limit: limit) }
        try expect(frames == lines, "the lines are others than those between the line feeds")
    }

    /// A line by itself: a byte order mark and the CR at its end do not count, a blank one is none, of a long one the beginning is kept.
    private static func frame(_ line: ArraySlice<UInt8>, limit: Int) -> TillFrame? {
        if line.count > limit + 1 { return .overlong(Array(line.prefix(limit + 1))) }
        let unmarked = line.starts(with: [0xef, 0xbb, 0xbf]) ? line.dropFirst(3) : line
        let text = unmarked.last == 13 ? unmarked.dropLast() : unmarked
        if text.count > limit { return .overlong(Array(text)) }
        return text.allSatisfy { " \t\r".utf8.contains($0) } ? nil : .line(Array(text))
    }
}
