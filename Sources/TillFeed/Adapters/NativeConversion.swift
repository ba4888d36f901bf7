import DataFormats
import LoyaltyModel

/// Makes native events out of what the adapters read. Everything passes the same decoder and payment screen as a till's own lines.
struct NativeConversion {
    let decoder: TillEventDecoder
    let settings: AdapterSettings

    func document(_ sale: AdaptedSale) -> ConvertedDocument {
        do throws(LoyaltyError) {
            var sale = sale
            let isFinished = sale.verb == .complete || sale.verb == .return
            var totals: TotalsCheck?
            if isFinished, sale.hasTotal {
                let check = try TotalsCheck(sale)
                if !check.agrees { sale.raise(AdapterFlag.totalsMismatch) }
                totals = check
            } else if isFinished {
                sale.raise(AdapterFlag.noTotal)
            }
            let body = try sale.native()
            var event = NativeTable(at: sale.place)
            event.set("v", .integer(1))
            event.set("type", "sale.\(sale.verb.rawValue)")
            // The same document again has the same id, the same number with other content another one: table A.4 decides then.
            event.set("id", identifier(sale.number, sale.verb.rawValue, body))
            event.set("source", settings.source ?? "\(sale.store)/\(sale.register)")
            event.set("epoch", settings.epoch)
            if let sequence = sale.sequence { event.set("seq", .decimal(String(sequence))) }
            event.set("time", sale.time)
            event.set("time_raw", sale.rawTime)
            event.set("business_day", sale.businessDay)
            if sale.training { event.set("training", true) }
            event.set("sale", body)
            return try document(event, flags: sale.flags, totals: totals, at: sale.place)
        } catch { return problem(error, at: sale.place) }
    }

    func document(
        control kind: TillEvent.ControlVerb, store: String, register: String, number: String, sequence: UInt64?,
        time: Timestamp, day: CalendarDate?, at place: Place
    ) -> ConvertedDocument {
        var event = NativeTable(at: place)
        event.set("v", .integer(1))
        event.set("type", "control.\(kind.rawValue)")
        event.set("id", "\(number)-\(kind.rawValue)-\(time.microseconds)")
        event.set("source", settings.source ?? "\(store)/\(register)")
        event.set("epoch", settings.epoch)
        if let sequence { event.set("seq", .decimal(String(sequence))) }
        event.set("time", time)
        event.set("business_day", day)
        do { return try document(event, flags: [], totals: nil, at: place) } catch { return problem(error, at: place) }
    }

    private func document(
        _ event: NativeTable, flags: [String], totals: TotalsCheck?, at place: Place
    ) throws(LoyaltyError) -> ConvertedDocument {
        var read = try decoder.decode(event.node)
        read.flags = flags
        let masked = decoder.screening.withoutRefusedCards(event.node)
        return ConvertedDocument(
            .event(ConvertedEvent(event: read, native: masked, flags: flags, totals: totals)), at: place)
    }

    /// - Parameter place: of the document; the error's own place is more exact where it has one.
    func problem(_ error: LoyaltyError, at place: Place) -> ConvertedDocument {
        var error = error
        if error.place?.line == nil {
            error.place = Place(line: place.line, column: place.column, path: error.place?.path ?? place.path)
        }
        // Nothing of the document is kept: only the native protocol says which of its fields may be.
        let line = place.line.map { "document at line \($0)" } ?? "document"
        return ConvertedDocument(.problem(TillLineProblem(error: error, redactedLine: line)), at: place)
    }

    func skipped(_ reason: String, at place: Place) -> ConvertedDocument {
        ConvertedDocument(.skipped(reason), at: place)
    }

    private func identifier(_ number: String, _ verb: String, _ sale: NativeTable) -> String {
        let digest = String(StableDigest.of(JSONText.compact(sale.node).utf8), radix: 16)
        let padded = String(repeating: "0", count: 16 - digest.utf8.count) + digest
        return "\(number)-\(verb)-\(padded)"
    }
}

/// FNV-1a of 64 bits (draft-eastlake-fnv): tells the versions of one document apart, and guards nothing.
enum StableDigest {
    static func of(_ bytes: some Sequence<UInt8>) -> UInt64 {
        bytes.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01b3 }
    }
}

extension CardScreening {
    /// The event without the values of cards that the screen refuses, so that a printed event never shows a payment card.
    func withoutRefusedCards(_ event: DataNode) -> DataNode {
        mapping(event, key: "sale") { mapping($0, key: "members", withoutRefusedMembers) }
    }

    private func withoutRefusedMembers(_ node: DataNode) -> DataNode {
        guard case .array(let members) = node.value else { return node }
        let kept = members.filter { member in
            guard case .table(let entries) = member.value,
                case .string(let text) = entries.first(where: { $0.key == "value" })?.node.value,
                case .string(let kind) = entries.first(where: { $0.key == "scheme" })?.node.value
            else { return true }
            if case .refused = classify(text, CardIdentifierKind(rawValue: kind) ?? .card, .till) { return false }
            return true
        }
        return DataNode(.array(kept), at: node.place)
    }

    private func mapping(_ node: DataNode, key: String, _ change: (DataNode) -> DataNode) -> DataNode {
        guard case .table(var entries) = node.value else { return node }
        for index in entries.indices where entries[index].key == key {
            entries[index].node = change(entries[index].node)
        }
        return DataNode(.table(entries), at: node.place)
    }
}
