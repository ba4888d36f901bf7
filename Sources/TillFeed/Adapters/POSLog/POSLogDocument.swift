import DataFormats
import LoyaltyModel

/// One `Transaction` of a POSLog, versions 2.x to 6.x, in the terms of the native schema.
///
/// Source: IXRetail POSLog as NCR, Roqqio, Decathlon and Wincor write it; docs/till-adapters.md has the map.
struct POSLogDocument {
    let transaction: XMLElement
    let settings: AdapterSettings

    /// The part with the lines; versions before 6 keep half of the header in it.
    private var body: XMLElement? { transaction.first("RetailTransaction") }

    func converted(_ conversion: NativeConversion) -> ConvertedDocument {
        do throws(LoyaltyError) {
            if let controlElement { return try control(Self.verb(controlElement), [], conversion) }
            guard isSale else { return try control(.heartbeat, [AdapterFlag.notASale], conversion) }
            let sale = try sale()
            if Self.isCopy(sale.links) { return try control(.heartbeat, [AdapterFlag.copy], conversion) }
            return conversion.document(sale)
        } catch { return conversion.problem(error, at: transaction.place, of: subject(isWhole: true)) }
    }

    private var controlElement: XMLElement? {
        transaction.first("ControlTransaction") ?? transaction.first("TenderControlTransaction")
    }

    private var isSale: Bool { body != nil || transaction.first("PostVoidTransaction") != nil }

    private static func isCopy(_ links: [SaleLink]) -> Bool { links.contains { $0.relation == .copyOf } }

    /// What the transaction is about, also where it is refused; of half a document the sale may be in the other half.
    func subject(isWhole: Bool) -> DocumentSubject {
        let links = (try? links())?.links ?? []
        guard controlElement == nil, isSale || !isWhole, !Self.isCopy(links) else { return .noSale }
        return DocumentSubject(
            register: try? register(), number: try? number(), uid: header("TransactionID"),
            verb: (try? status(links))?.verb)
    }

    /// What is no sale has its place in the sequence all the same.
    private func control(
        _ verb: TillEvent.ControlVerb, _ flags: [String], _ conversion: NativeConversion
    ) throws(LoyaltyError) -> ConvertedDocument {
        conversion.document(
            control: verb, store: try store(), register: try register(), number: try number(), sequence: try sequence,
            time: try closing(orMessage: true).time, day: try businessDay(), flags: flags,
            at: transaction.place)
    }

    private static func verb(_ control: XMLElement) -> TillEvent.ControlVerb {
        let verbs: [(String, TillEvent.ControlVerb)] = [
            ("OperatorSignOn", .signon), ("OperatorSignOff", .signoff), ("NoSale", .nosale), ("POSSOD", .dayopen),
            ("BusinessSOD", .dayopen), ("POSEOD", .dayclose), ("BusinessEOD", .dayclose),
        ]
        return verbs.first { control.first($0.0) != nil }?.1 ?? .heartbeat
    }

    private func sale() throws(LoyaltyError) -> AdaptedSale {
        let closed = try closing()
        var sale = AdaptedSale(
            place: transaction.place, store: try store(), register: try register(), number: try number(),
            time: closed.time, currency: try Currency("XXX"))
        sale.rawTime = closed.isAssumed ? closed.raw : nil
        if closed.isAssumed { sale.raise(AdapterFlag.zoneAssumed) }
        sale.closedAt = closed.time
        sale.openedAt = try headers("BeginDateTime").first.map(time)?.time
        sale.uid = header("TransactionID")
        sale.receipt = header("ReceiptNumber")
        sale.sequence = try sequence
        sale.businessDay = try businessDay()
        // A hash stands here in one dialect; its beginning tells operators apart as well.
        sale.operatorID = header("OperatorID")?.clipped(64)
        sale.training = try transaction.flag("TrainingModeFlag")
        let (links, isUnknown) = try links()
        sale.links = links
        if isUnknown { sale.raise(AdapterFlag.linkUnknown) }
        let status = try status(links)
        if status.verb == .void, !links.contains(where: { $0.relation == .voids }) {
            // The document itself is the one that is voided.
            sale.links.append(
                SaleLink(
                    relation: .voids, store: sale.store, register: sale.register, businessDay: sale.businessDay,
                    number: sale.number, uid: sale.uid))
        }
        sale.verb = status.verb
        sale.state = status.state
        sale.training = sale.training || status.isTraining
        sale.cards = try body.map(cards) ?? []
        let isFinished = sale.verb == .complete || sale.verb == .return
        guard let currency = try currency() else {
            if isFinished { throw missing("no currency is named", "Write till.currency into the configuration") }
            return sale
        }
        sale.currency = currency
        if let body { try goods(body, &sale, isFinished: isFinished) }
        if isFinished { sale.classifyGoods() }
        return sale
    }

    /// Lines, tenders and totals, in the reading that comes to the grand total, else in the first.
    private func goods(_ body: XMLElement, _ sale: inout AdaptedSale, isFinished: Bool) throws(LoyaltyError) {
        let lines = POSLogLines(body, isReturn: sale.links.contains { $0.relation == .returns })
        var first: AdaptedSale?
        for reading in lines.readings {
            var read = sale
            read.lines = try lines.lines(&read, reading)
            try read.turnBackUnmarkedGoods()
            read.tenders = try tenders(body, &read)
            let agrees = try POSLogTotals(body, currency: sale.currency, lines: read.lines)
                .settle(&read, isFinished: isFinished)
            if agrees { return sale = read }
            first = first ?? read
        }
        sale = first ?? sale
    }

    // MARK: The header

    private func header(_ name: String) -> String? { headers(name).first?.text }

    /// All of this name that have a text, those of the transaction first.
    private func headers(_ name: String) -> [XMLElement] {
        (transaction.all(name) + (body?.all(name) ?? [])).filter { !$0.text.isEmpty }
    }

    private func missing(_ message: String, _ remedy: String? = nil) -> LoyaltyError {
        LoyaltyError(.adapterMissing, message, at: transaction.place, remedy: remedy)
    }

    private func store() throws(LoyaltyError) -> String {
        guard let store = Self.store(transaction) ?? body.flatMap(Self.store) ?? settings.store else {
            throw missing("no store is named", "Write site.store into the configuration")
        }
        return store
    }

    /// Of several units the first, unless one says that it is the store.
    static func store(_ element: XMLElement) -> String? {
        if let store = element.text("RetailStoreID") { return store }
        let units = element.all("BusinessUnit").flatMap { $0.all("UnitID") }.filter { !$0.text.isEmpty }
        let named = units.first { $0.attributes["TypeCode"]?.lowercased() == "retailstore" }
        return (named ?? units.first)?.text
    }

    private func register() throws(LoyaltyError) -> String {
        guard let register = header("WorkstationID") ?? header("TillID") ?? settings.register else {
            throw missing("no register is named", "Write till.register into the configuration")
        }
        return register
    }

    private func number() throws(LoyaltyError) -> String {
        guard let number = header("SequenceNumber") ?? header("ReceiptNumber") else {
            throw missing("there is no SequenceNumber")
        }
        return number
    }

    private var sequence: UInt64? {
        get throws(LoyaltyError) { UInt64(try number()) }
    }

    private func businessDay() throws(LoyaltyError) -> CalendarDate? {
        try header("BusinessDayDate").map { text throws(LoyaltyError) in try day(text, "BusinessDayDate") }
    }

    private func day(_ text: String, _ name: String) throws(LoyaltyError) -> CalendarDate {
        do { return try TillTime.day(text) } catch {
            throw LoyaltyError(error.code, error.message, at: place(name))
        }
    }

    private typealias ReadTime = (time: Timestamp, isAssumed: Bool, raw: String)

    /// When the transaction ended, or as near to it as the document says. The time of the message is none of it: it is when the
    /// document was exported, and a sale that is exported again must give the same event. What is no sale counts once by its place in
    /// the sequence.
    private func closing(orMessage: Bool = false) throws(LoyaltyError) -> ReadTime {
        let stamps = headers("POSLogDateTime").map { (type: $0.attributes["TypeCode"]?.lowercased() ?? "", $0) }
        let ofTransaction = ["transaction", ""].flatMap { type in stamps.filter { $0.type == type } }
        let others = stamps.filter { $0.type != "message" }
        let times = headers("EndDateTime") + ofTransaction.map(\.1) + headers("BeginDateTime") + others.map(\.1)
        guard let element = times.first ?? (orMessage ? stamps.first?.1 : nil) else {
            throw missing("there is no EndDateTime")
        }
        return try time(element)
    }

    private func time(_ element: XMLElement) throws(LoyaltyError) -> ReadTime {
        do {
            let (time, isAssumed) = try TillTime.parse(element.text, settings)
            return (time, isAssumed, element.text)
        } catch { throw LoyaltyError(error.code, error.message, at: element.place.with(path: element.name)) }
    }

    private func place(_ name: String) -> Place {
        let element = transaction.all(name).first { !$0.text.isEmpty } ?? body?.first(name)
        return (element?.place ?? transaction.place).with(path: name)
    }

    private func currency() throws(LoyaltyError) -> Currency? {
        let total = body?.all("Total").lazy.compactMap { $0.attributes["Currency"] ?? $0.attributes["CurrencyCode"] }
            .first
        let amount = body?.all("LineItem").lazy.compactMap {
            ($0.first("Sale") ?? $0.first("Return"))?.first("ExtendedAmount")?.attributes["Currency"]
        }.first
        guard let code = header("CurrencyCode") ?? total ?? amount else { return settings.currency }
        do { return try Currency(code.uppercased()) } catch {
            throw LoyaltyError(error.code, error.message, at: place("CurrencyCode"))
        }
    }

    // MARK: State and links

    private func status(_ links: [SaleLink]) throws(LoyaltyError) -> POSLogWords.Status {
        var status = POSLogWords.Status(verb: .complete, state: .completed)
        let words = [body?.attributes["TransactionStatus"], transaction.attributes["TransactionStatus"]]
        if let word = words.lazy.compactMap(\.self).first {
            guard let known = POSLogWords.status(word) else {
                throw LoyaltyError(
                    .adapterUnknownStatus,
                    "this TransactionStatus is not known, so the sale is not taken for completed",
                    at: (body ?? transaction).place.with(path: "RetailTransaction/@TransactionStatus"))
            }
            status = known
        }
        let isSuspended = try body?.flag(child: "SuspendFlag")
        if try transaction.flag("SuspendedFlag") || isSuspended == true {
            status = .init(verb: .suspend, state: .suspended)
        }
        if try transaction.flag("CancelFlag") {
            status = .init(verb: .cancel, state: .cancelled)
        }
        let isVoid = transaction.first("PostVoidTransaction") != nil
        let isMarked = try transaction.flag("VoidedFlag")
        if isVoid || isMarked || links.contains(where: { $0.relation == .voids }) {
            status = .init(verb: .void, state: .voided)
        }
        return status
    }

    /// The links of the document, and whether there is one with a reason that is not known.
    private func links() throws(LoyaltyError) -> (links: [SaleLink], isUnknown: Bool) {
        var links: [SaleLink] = []
        var isUnknown = false
        for element in body?.all("TransactionLink") ?? [] {
            if let link = try POSLogLines.link(element, default: nil) { links.append(link) } else { isUnknown = true }
        }
        let voids = [transaction.first("PostVoidTransaction"), body?.first("PostVoidTransaction")].compactMap(\.self)
        for element in voids.flatMap({ $0.all("TransactionLink") }) {
            if let link = try POSLogLines.link(element, default: .voids) { links.append(link) }
        }
        return (links, isUnknown)
    }

    // MARK: Member and tenders

    /// Cards of the member, else the customer number. They may stand before the tender or behind it.
    private func cards(_ body: XMLElement) throws(LoyaltyError) -> [AdaptedSale.Card] {
        let accounts = body.all("LoyaltyAccount") + body.all("Customer").flatMap { $0.all("LoyaltyAccount") }
        var numbers = accounts.compactMap {
            $0.element("LoyaltyCard", "PrimaryAccountNumber")?.text ?? $0.text("LoyaltyAccountID")
        }
        numbers = numbers.compactMap(Self.unpadded) + (try memberships(body))
        var seen: Set<String> = []
        let cards = numbers.filter { seen.insert($0).inserted }
        if !cards.isEmpty { return cards.map { AdaptedSale.Card(value: $0) } }
        let customers = (body.all("Customer") + accounts).compactMap { $0.text("CustomerID") }.compactMap(Self.unpadded)
        return customers.first.map { [AdaptedSale.Card(value: $0, kind: .memberID, entry: .lookup)] } ?? []
    }

    /// Numbers of the memberships that stand at the end: a row with a VoidFlag takes the card away, however often it was read before.
    private func memberships(_ body: XMLElement) throws(LoyaltyError) -> [String] {
        var numbers: [String] = []
        for item in body.all("LineItem") {
            guard let membership = item.first("LoyaltyMembership"),
                let text = membership.text("LoyaltyID") ?? membership.text("LoyaltyAccountID"),
                let number = Self.unpadded(text)
            else { continue }
            if try item.flag("VoidFlag") { numbers.removeAll { $0 == number } } else { numbers.append(number) }
        }
        return numbers
    }

    /// Zeros alone mean "none"; longer than any card, they are padding.
    private static func unpadded(_ number: String) -> String? {
        let rest = number.drop { $0 == "0" }
        guard !rest.isEmpty else { return nil }
        return number.utf8.count > 19 ? String(rest) : number
    }

    private func tenders(
        _ body: XMLElement, _ sale: inout AdaptedSale
    ) throws(LoyaltyError) -> [AdaptedSale.Tender] {
        var rows: [POSLogRow<(tender: AdaptedSale.Tender, isRefund: Bool)>] = []
        for item in body.all("LineItem") {
            guard let tender = item.first("Tender"), let amount = try tender.decimal("Amount") else { continue }
            let isRefund = tender.attributes["TypeCode"]?.lowercased() == "refund"
            var change = tender.first("TenderChange")
            while let nested = change?.first("TenderChange") { change = nested }
            let read = AdaptedSale.Tender(
                kind: POSLogWords.tender(tender.attributes["TenderType"]), amount: amount,
                change: try change?.decimal("Amount"))
            rows.append(
                POSLogRow(
                    key: "\(isRefund) \(read.kind.rawValue)", amount: amount, isVoid: try item.flag("VoidFlag"),
                    value: (read, isRefund)))
        }
        var tenders: [AdaptedSale.Tender] = []
        for row in try rows.netted() {
            if row.isVoid { sale.raise(AdapterFlag.voidWithoutPartner) }
            var tender = row.value.tender
            tender.amount = row.value.isRefund ? try row.amount.signed(negative: true) : row.amount
            tenders.append(tender)
        }
        return tenders
    }
}
