import DataFormats
import LoyaltyModel

/// Sales out of a CSV file: rows with the same number, one after the other, are the lines of one sale.
struct CSVSaleReader: TillDocumentReader {
    /// Lines of one sale; more are refused.
    static let maximumLines = 10_000

    private let conversion: NativeConversion
    private let columns: CSVColumns
    private var reader: CSVRowReader
    private var layout: CSVLayout?
    private var sale: AdaptedSale?
    /// What the rows of the sale so far say of its state; nil where none does.
    private var state: Sale.State?
    /// Digests of what names the lines of the sale that is being read.
    private var lineNames: [UInt64] = []
    /// The first thing that is wrong in the sale that is being read; nothing of it counts then.
    private var flaw: LoyaltyError?
    /// A row of which nobody knows whose it is: the sale in front of it and the one behind it are in doubt.
    private var stray: LoyaltyError?
    private var key: [String] = []
    private var bounds = CSVSaleBounds()
    /// Of the rows of the sale that is being read.
    private var content = Hasher()
    /// The sales that this file has had.
    private var known = CSVKnownSales()
    /// What the rows that are being read are about.
    private var subject = DocumentSubject()
    private var isUnreadable = false

    init(_ conversion: NativeConversion, _ columns: CSVColumns) {
        self.conversion = conversion
        self.columns = columns
        layout = CSVLayout(columns)
        reader = CSVRowReader(separator: columns.separator, encoding: columns.encoding)
    }

    mutating func append(_ bytes: [UInt8]) -> [ConvertedDocument] {
        guard !isUnreadable else { return [] }
        reader.append(bytes)
        return rows()
    }

    mutating func finish() -> [ConvertedDocument] {
        guard !isUnreadable else { return [] }
        reader.finish()
        return rows() + end()
    }

    /// Ends the sale that is being read, at the end of a file.
    private mutating func end() -> [ConvertedDocument] {
        // Of a sale that is refused anyway it may be no part: whoever mends the file has to find it as well.
        let another = flaw == nil ? nil : stray
        if flaw == nil { flaw = stray }
        stray = nil
        let rows = content.finalize()
        content = Hasher()
        var documents = close().map { [$0.of(rows)] } ?? []
        if let another {
            documents.append(
                conversion.problem(another, at: another.place ?? Place(line: 1, column: 1), of: .noSale).of(rows))
        }
        return documents
    }

    private mutating func rows() -> [ConvertedDocument] {
        var documents: [ConvertedDocument] = []
        while !isUnreadable {
            do throws(LoyaltyError) {
                guard let row = try reader.next() else { break }
                guard let layout else {
                    self.layout = try CSVLayout(row, columns)
                    continue
                }
                if layout.isHeader(row) {
                    // The same sale behind another header is the same sale again.
                    documents += end()
                    known = CSVKnownSales()
                } else {
                    documents += try take(row, layout)
                }
            } catch {
                let error = remedied(error)
                if layout == nil {
                    isUnreadable = true
                    documents.append(
                        conversion.problem(error, at: error.place ?? Place(line: 1, column: 1)))
                } else if stray == nil {
                    stray = error
                    content.combine(error.place?.line)
                }
            }
        }
        return documents
    }

    private mutating func take(_ row: CSVRow, _ layout: CSVLayout) throws(LoyaltyError) -> [ConvertedDocument] {
        try layout.check(row)
        guard let number = layout.field(columns.number, row) else {
            throw LoyaltyError(.adapterMissing, "\"\(columns.number)\" is empty", at: Place(line: row.line, column: 1))
        }
        let key = [number.text, text(columns.store, row, layout) ?? "", text(columns.register, row, layout) ?? ""]
        var done: [ConvertedDocument] = []
        let stray = stray
        let said = said(row, layout)
        if key != self.key || bounds.isOfAnotherSale(said) {
            // With nothing in front of it, a stray row can only be of this sale; behind one that is refused anyway, this one names it.
            if self.key.isEmpty || flaw != nil { self.stray = nil }
            done = end()
            self.key = key
            subject = DocumentSubject(
                register: text(columns.register, row, layout) ?? conversion.settings.register, number: number.text)
            flaw = stray
            if stray == nil { do throws(LoyaltyError) { sale = try begin(number, row, layout) } catch { flaw = error } }
        } else if flaw == nil {
            flaw = stray
        }
        self.stray = nil
        bounds.add(said)
        for field in row.fields { content.combine(field.text) }
        guard flaw == nil else { return done }
        do throws(LoyaltyError) { try add(row, layout) } catch { flaw = error }
        return done
    }

    /// What the row says of its sale beside the number. What cannot be read is a flaw of the sale that the row is of.
    private func said(_ row: CSVRow, _ layout: CSVLayout) -> CSVSaleBounds.Row {
        let time = try? time(row, layout).time
        return CSVSaleBounds.Row(
            businessDay: (try? businessDay(row, layout)) ?? nil, time: time,
            operatorID: text(columns.operatorID, row, layout),
            member: text(columns.member, row, layout).map(Self.withoutDecimals),
            total: (try? decimal(columns.total, row, layout)) ?? nil,
            hasUnreadableTime: time == nil && columns.time.allSatisfy { layout.field($0, row) != nil })
    }

    private func businessDay(_ row: CSVRow, _ layout: CSVLayout) throws(LoyaltyError) -> CalendarDate? {
        try layout.field(columns.businessDay, row).map { field throws(LoyaltyError) in
            try placed(field, "business_day") { text throws(LoyaltyError) -> CalendarDate in
                if let format = columns.dayFormat { try format.day(text) } else { try TillTime.day(text) }
            }
        }
    }

    /// Where the file's dialect may be what is wrong, says which setting names it.
    private func remedied(_ error: LoyaltyError) -> LoyaltyError {
        guard error.code == .csvEncoding else { return error }
        return LoyaltyError(
            error.code, error.message, at: error.place,
            remedy: "Name the encoding of the file in till.csv.encoding, such as \"windows-1252\"")
    }

    private func text(_ column: String?, _ row: CSVRow, _ layout: CSVLayout) -> String? {
        layout.field(column, row)?.text
    }

    private func begin(_ number: CSVRow.Field, _ row: CSVRow, _ layout: CSVLayout) throws(LoyaltyError) -> AdaptedSale {
        let settings = conversion.settings
        let start = Place(line: row.line, column: 1)
        let (timeField, time, isAssumed) = try self.time(row, layout)
        guard let store = text(columns.store, row, layout) ?? settings.store else {
            throw LoyaltyError(
                .adapterMissing, "no store is named", at: start,
                remedy: "Write site.store, or name its column in till.csv")
        }
        guard let register = text(columns.register, row, layout) ?? settings.register else {
            throw LoyaltyError(
                .adapterMissing, "no register is named", at: start,
                remedy: "Write till.register, or name its column in till.csv")
        }
        let written = try layout.field(columns.currency, row).map { field throws(LoyaltyError) in
            try placed(field, "currency") { text throws(LoyaltyError) in try Currency(text.uppercased()) }
        }
        guard let currency = written ?? settings.currency else {
            throw LoyaltyError(
                .adapterMissing, "no currency is named", at: start,
                remedy: "Write till.currency, or name its column in till.csv")
        }
        var sale = AdaptedSale(
            place: start, store: store, register: register, number: number.text, time: time, currency: currency)
        if isAssumed {
            sale.rawTime = timeField.text
            sale.raise(AdapterFlag.zoneAssumed)
        }
        sale.closedAt = time
        sale.pricesIncludeTax = columns.pricesIncludeTax
        sale.hasTotal = false
        return sale
    }

    private func time(
        _ row: CSVRow, _ layout: CSVLayout
    ) throws(LoyaltyError) -> (field: CSVRow.Field, time: Timestamp, isAssumed: Bool) {
        var parts: [CSVRow.Field] = []
        for column in columns.time {
            guard let part = layout.field(column, row) else {
                throw LoyaltyError(.adapterMissing, "\"\(column)\" is empty", at: Place(line: row.line, column: 1))
            }
            parts.append(part)
        }
        var field = parts[0]
        field.text = parts.map(\.text).joined(separator: " ")
        let (time, isAssumed) = try placed(field, columns.time[0]) { text throws(LoyaltyError) in
            guard let format = columns.timeFormat else { return try TillTime.parse(text, conversion.settings) }
            return try format.time(text, conversion.settings)
        }
        return (field, time, isAssumed)
    }

    private mutating func add(_ row: CSVRow, _ layout: CSVLayout) throws(LoyaltyError) {
        guard var sale else { return }
        // Nothing else may hold the lines while one is added: they would all be copied.
        self.sale = nil
        defer { self.sale = sale }
        let start = Place(line: row.line, column: 1)
        guard sale.lines.count < Self.maximumLines else {
            throw LoyaltyError(.adapterTooLarge, "the sale has more than \(Self.maximumLines) lines", at: start)
        }
        try addHeader(row, layout, &sale)
        let quantity = try decimal(columns.quantity, row, layout) ?? .one
        let price = try decimal(columns.unitPrice, row, layout)
        var amount = try decimal(columns.amount, row, layout)
        if amount == nil, let price { amount = try price.multiplied(by: quantity) }
        guard var amount else {
            throw LoyaltyError(
                .adapterMissing, "\"\(columns.amount ?? columns.unitPrice ?? "amount")\" is empty", at: start)
        }
        // Some tills write what comes back with its quantity below zero alone. A discount that is taken back has a price below zero too.
        if quantity.isNegative, price?.isNegative != true { amount = try amount.signed(negative: true) }
        let code = text(columns.code, row, layout)
        var line = AdaptedSale.Line(
            id: text(columns.id, row, layout) ?? String(sale.lines.count + 1), place: start, amount: amount)
        line.kind = columns.kind(ofCode: code)
        line.quantity = quantity
        line.unitPrice = price
        line.code = code.flatMap { code in
            columns.codeScheme.map { ProductCode(value: code, scheme: $0) } ?? ProductCode(anyOf: code)
        }
        line.name = text(columns.name, row, layout)
        line.department = text(columns.department, row, layout).map { [$0] } ?? []
        if quantity.isNegative { line.returned = ReturnReference(receipt: .without) }
        sale.lines.append(line)
        // The best name that there is: one product may stand in both halves of a sale whose rows do not stand together.
        let column = [columns.id, columns.code, columns.name].compactMap(\.self).first { layout.field($0, row) != nil }
        if let column, let name = text(column, row, layout) {
            lineNames.append(StableDigest.of("\(column)\u{1f}\(name)".utf8))
        }
        if let total = try decimal(columns.total, row, layout) {
            if sale.hasTotal, total != sale.grand {
                throw LoyaltyError(
                    .adapterBadValue, "the rows of this sale name different totals",
                    at: layout.field(columns.total, row)?.place ?? start)
            }
            sale.grand = total
            sale.hasTotal = true
        }
        if let field = layout.field(columns.status, row) {
            guard let state = columns.statuses[field.text] else {
                throw LoyaltyError(
                    .adapterUnknownStatus,
                    "till.csv.statuses does not know this word, so the sale is not taken for completed",
                    at: field.place)
            }
            guard self.state == nil || self.state == state else {
                throw LoyaltyError(
                    .adapterBadValue, "the rows of this sale name different states", at: field.place)
            }
            self.state = state
            sale.state = state
        }
    }

    /// What any row of the sale may say of the whole: where one says nothing another does.
    private func addHeader(_ row: CSVRow, _ layout: CSVLayout, _ sale: inout AdaptedSale) throws(LoyaltyError) {
        if let day = try businessDay(row, layout) { sale.businessDay = sale.businessDay ?? day }
        sale.operatorID = sale.operatorID ?? text(columns.operatorID, row, layout)
        guard let field = layout.field(columns.member, row) else { return }
        let card = AdaptedSale.Card(value: Self.withoutDecimals(field.text), kind: columns.memberScheme)
        guard sale.cards.isEmpty || sale.cards[0].value == card.value else {
            throw LoyaltyError(.adapterBadValue, "the rows of this sale name different members", at: field.place)
        }
        sale.cards = [card]
    }

    /// Ends the sale that is being read.
    private mutating func close() -> ConvertedDocument? {
        defer {
            sale = nil
            flaw = nil
            state = nil
            lineNames = []
            key = []
            bounds = CSVSaleBounds()
            subject = DocumentSubject()
        }
        subject.verb = columns.status == nil ? .complete : state.map(Self.verb)
        if let flaw { return conversion.problem(flaw, at: sale?.place ?? flaw.place ?? Place(), of: subject) }
        guard var sale else { return nil }
        if let column = columns.status, state == nil {
            let error = LoyaltyError(
                .adapterMissing, "\"\(column)\" is empty on all rows, so the sale is not taken for completed",
                at: sale.place)
            return conversion.problem(error, at: sale.place, of: subject)
        }
        sale.verb = Self.verb(sale.state)
        if sale.verb == .void {
            sale.links = [
                SaleLink(
                    relation: .voids, store: sale.store, register: sale.register, businessDay: sale.businessDay,
                    number: sale.number)
            ]
        }
        var isWhole = true
        do throws(LoyaltyError) {
            try sale.turnBackUnmarkedGoods()
            let decimals = sale.currency.decimals
            let sum = try sale.lines.map { $0.amount.rounded(decimals: decimals) }.sum()
            // What is paid out may stand there without a sign, as its lines may.
            let isBack = sum.isNegative ? try sum.negated() == sale.grand : false
            if !sale.hasTotal || isBack { sale.grand = sum }
            isWhole = sale.grand == sum
        } catch { return conversion.problem(error, at: sale.place, of: subject) }
        sale.classifyGoods()
        let document = conversion.document(sale)
        guard sale.verb == .complete || sale.verb == .return, case .event(let event) = document.outcome,
            !known.take(sale, event.event.identity.id, lines: lineNames, isWhole: isWhole)
        else { return document }
        let error = LoyaltyError(
            .adapterBadValue, "the rows of this sale do not stand together: some came earlier in this file",
            at: sale.place, remedy: "Sort the file by register and number")
        return conversion.problem(error, at: sale.place, of: subject)
    }

    private static func verb(_ state: Sale.State) -> TillEvent.SaleVerb {
        switch state {
        case .completed, .returned: .complete
        case .open: .update
        case .suspended: .suspend
        case .cancelled: .cancel
        case .voided: .void
        }
    }

    private func decimal(
        _ column: String?, _ row: CSVRow, _ layout: CSVLayout
    ) throws(LoyaltyError) -> DecimalNumber? {
        guard let column, let field = layout.field(column, row) else { return nil }
        return try placed(field, column) { text throws(LoyaltyError) in try columns.numbers.decimal(text) }
    }

    private func placed<Value>(
        _ field: CSVRow.Field, _ column: String, _ parse: (String) throws(LoyaltyError) -> Value
    ) throws(LoyaltyError) -> Value {
        do { return try parse(field.text) } catch {
            throw LoyaltyError(error.code, error.message, at: field.place.with(path: column), remedy: error.remedy)
        }
    }

    /// A spreadsheet makes `16161.0` of a customer number.
    private static func withoutDecimals(_ text: String) -> String {
        guard text.hasSuffix(".0"), text.dropLast(2).utf8.allSatisfy({ (48...57).contains($0) }) else { return text }
        return String(text.dropLast(2))
    }
}
