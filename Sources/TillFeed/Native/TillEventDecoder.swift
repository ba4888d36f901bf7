public import DataFormats
public import LoyaltyModel

/// Turns one line of the native till protocol, version 1 (docs/till-protocol.md), into an event.
///
/// Types are strict, fields that the protocol does not know are ignored. Card numbers of loyalty cards end up in `PresentedCard`
/// alone, those of payment cards nowhere.
public struct TillEventDecoder: Sendable {
    /// The longest line: 1 MiB without its line end.
    public static let maximumLineLength = 1 << 20

    let screening: CardScreening

    public init(screening: CardScreening) { self.screening = screening }

    /// - Parameter line: one line of UTF-8 without its line end.
    /// - Throws: a problem with one of the `till.*` codes; its column counts bytes from 1.
    public func decode(_ line: [UInt8]) throws(TillLineProblem) -> TillEvent {
        guard line.count <= Self.maximumLineLength else { throw overlong(line) }
        let node: DataNode
        do { node = try JSONDocument.parse(line) } catch {
            throw TillLineProblem(
                error: Self.tillError(error),
                redactedLine: LineRedaction(screening).redacted(brokenLine: line),
                content: line.hashValue
            )
        }
        do { return try event(node) } catch {
            throw TillLineProblem(
                acknowledges: harmlessID(node),
                error: Self.tillError(error),
                redactedLine: LineRedaction(screening).redacted(node),
                endedSale: endedSale(node),
                content: line.hashValue
            )
        }
    }

    /// - Throws: as `decode(_:)`, with a document that is JSON already, such as an adapter's. The place keeps its line.
    public func decode(_ node: DataNode) throws(LoyaltyError) -> TillEvent {
        do { return try event(node) } catch {
            var mapped = Self.tillError(error)
            mapped.place = error.place
            throw mapped
        }
    }

    /// The problem that a line is which does not end within the limit.
    ///
    /// - Parameter start: the line's first bytes.
    public func overlong(_ start: [UInt8]) -> TillLineProblem {
        TillLineProblem(
            error: LoyaltyError(
                .tillLineTooLong,
                "the line is longer than \(Self.maximumLineLength) bytes",
                remedy: "Send one event per line, each ended by a line feed"
            ),
            redactedLine: LineRedaction(screening).redacted(brokenLine: Array(start.prefix(LineRedaction.limit))),
            content: start.hashValue
        )
    }

    private func endedSale(_ node: DataNode) -> TillLineProblem.EndedSale? {
        func name(_ node: DataNode?, _ longest: Int) -> String? {
            node?.text.flatMap { $0.utf8.count > longest || screening.containsPaymentCard($0) ? nil : $0 }
        }
        let ending: Set<String> = ["sale.complete", "sale.return", "sale.cancel", "sale.suspend"]
        guard let type = node["type"]?.text, ending.contains(type), let sale = node["sale"],
            let register = name(sale["register"], 64), !register.isEmpty,
            node["replay"]?.value != .boolean(true)
        else { return nil }
        return TillLineProblem.EndedSale(
            register: register, number: name(sale["number"], 64), uid: name(sale["uid"], 128))
    }

    private func event(_ node: DataNode) throws(LoyaltyError) -> TillEvent {
        guard case .table = node.value else {
            throw LoyaltyError(.documentSyntax, "expected an object, found \(node.kind)", at: node.place)
        }
        var fields = TillFields(try TableReader(node), screening)
        try checkVersion(&fields)
        let identity = EventIdentity(
            source: try fields.requiredIdentity("source", maximum: 128),
            epoch: try fields.identity("epoch", maximum: 64) ?? "0",
            id: try fields.requiredIdentity("id", maximum: 128)
        )
        let type = try fields.present(try fields.bounded("type", 64), "type")
        let time = try fields.present(try fields.timestamp("time"), "time")
        var cards: [PresentedCard] = []
        let businessDay = try fields.date("business_day")
        let content = try content(type, at: time, on: businessDay, &fields, &cards)
        var event = TillEvent(
            identity: identity,
            sequence: try fields.unsigned("seq").flatMap(harmlessSequence),
            time: time,
            businessDay: businessDay,
            training: try fields.table.boolean("training") ?? false,
            replay: try fields.table.boolean("replay") ?? false,
            content: content,
            cards: cards
        )
        if case .card(.pointsQuery, _) = content, var reader = try fields.object("sale") {
            (event.basket, event.cards) = try basket(&reader, .update)
        }
        if content == .control(.subscribe) { event.subscription = try subscription(&fields) }
        return event
    }

    private func basket(
        _ reader: inout TillFields, _ verb: TillEvent.SaleVerb
    ) throws(LoyaltyError) -> (Sale, [PresentedCard]) {
        let sale = try reader.sale(verb)
        var cards: [PresentedCard] = []
        for member in try reader.tables("members") {
            var member = member
            cards.append(try member.presentedCard())
        }
        return (sale, cards)
    }

    private func subscription(_ fields: inout TillFields) throws(LoyaltyError) -> Set<TillNotice.Kind> {
        try fields.present(try fields.table.words("events"), "events")
    }

    private func checkVersion(_ fields: inout TillFields) throws(LoyaltyError) {
        let version = try fields.table.required("v")
        guard version.value == .integer(1) else {
            throw LoyaltyError(
                .tillVersion,
                "only version 1 of the till protocol is known here",
                at: version.place.with(path: "v"),
                remedy: "Write \"v\":1"
            )
        }
    }

    private func content(
        _ type: String,
        at time: Timestamp,
        on day: CalendarDate?,
        _ fields: inout TillFields,
        _ cards: inout [PresentedCard]
    ) throws(LoyaltyError) -> TillEvent.Content {
        if type.hasPrefix("sale."), let verb = TillEvent.SaleVerb(rawValue: String(type.dropFirst(5))) {
            var reader = try fields.requiredObject("sale")
            let sale: Sale
            (sale, cards) = try basket(&reader, verb)
            return .sale(verb, sale)
        }
        if type.hasPrefix("control."), let verb = TillEvent.ControlVerb(rawValue: String(type.dropFirst(8))) {
            return .control(verb)
        }
        if type == Self.rewardQuery {
            var card = try fields.object("card")
            let presented = try card?.presentedCard()
            var sale = try fields.object("sale")
            return .rewards(presented, try sale?.basket())
        }
        if let verb = TillEvent.ActionVerb(rawValue: type) {
            var action = try fields.requiredObject("action")
            var card = try verb == .take ? fields.requiredObject("card") : fields.object("card")
            return .action(verb, try action.action(verb, at: time, on: day), try card?.presentedCard())
        }
        if type == Self.memberUpdate {
            var member = try fields.requiredObject("member")
            var card = try fields.requiredObject("card")
            return .member(try member.memberUpdate(), try card.presentedCard())
        }
        if let verb = TillEvent.CardVerb(rawValue: type) {
            var card = try verb == .present ? fields.requiredObject("card") : fields.object("card")
            return .card(verb, try card?.presentedCard())
        }
        throw LoyaltyError(
            .tillUnknownType,
            "this type of event is not known",
            at: fields.table.error("type", "").place,
            remedy: "Known types: " + Self.types.joined(separator: ", ")
        )
    }

    private static let types =
        TillEvent.SaleVerb.allCases.map { "sale.\($0.rawValue)" } + TillEvent.CardVerb.allCases.map(\.rawValue)
        + [rewardQuery] + TillEvent.ActionVerb.allCases.map(\.rawValue) + [memberUpdate]
        + TillEvent.ControlVerb.allCases.map { "control.\($0.rawValue)" }

    /// Nil for a payment card number: sequences are kept, and no till has counted that far.
    private func harmlessSequence(_ number: UInt64) -> UInt64? {
        screening.containsPaymentCard(String(number)) ? nil : number
    }

    /// The event's id, where it can be repeated to the till without harm.
    private func harmlessID(_ node: DataNode) -> String {
        guard case .table(let entries) = node.value,
            case .string(let id) = entries.first(where: { $0.key == "id" })?.node.value,
            id.utf8.count <= 128, !screening.containsPaymentCard(id)
        else { return "" }
        return id
    }

    private static func tillError(_ error: LoyaltyError) -> LoyaltyError {
        var error = error
        // The connection is one line after the other: only the column helps.
        error.place?.line = nil
        // A remedy may repeat a number as it was written.
        error.remedy = error.remedy.map(LineRedaction.withoutDigitRuns)
        if error.code == .documentSyntax {
            error.code = .tillBadJSON
        } else if error.code == .documentMissingKey {
            error.code = .tillMissingField
        } else if !error.code.name.hasPrefix("till.") {
            error.code = .tillBadField
        }
        return error
    }
}

extension DataNode {
    fileprivate subscript(key: String) -> DataNode? {
        guard case .table(let entries) = value else { return nil }
        return entries.first { $0.key == key }?.node
    }

    fileprivate var text: String? { if case .string(let text) = value { text } else { nil } }
}
