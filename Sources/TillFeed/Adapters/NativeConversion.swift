import DataFormats
import LoyaltyModel

/// Makes native events out of what the adapters read. Everything passes the same decoder and payment screen as a till's own lines.
struct NativeConversion {
    let decoder: TillEventDecoder
    let settings: AdapterSettings

    func document(_ sale: AdaptedSale) -> ConvertedDocument {
        var sale = sale
        sale.leaveOutCardNumbers(decoder.screening)
        do throws(LoyaltyError) {
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
            return try document(event, flags: sale.flags, hasTotal: sale.hasTotal, at: sale.place)
        } catch { return problem(error, at: sale.place, of: DocumentSubject(sale)) }
    }

    func document(
        control kind: TillEvent.ControlVerb, store: String, register: String, number: String, sequence: UInt64?,
        time: Timestamp, day: CalendarDate?, flags: [String] = [], at place: Place
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
        do { return try document(event, flags: flags, hasTotal: false, at: place) } catch {
            return problem(error, at: place, of: .noSale)
        }
    }

    private func document(
        _ event: NativeTable, flags: [String], hasTotal: Bool, at place: Place
    ) throws(LoyaltyError) -> ConvertedDocument {
        var read = try decoder.decode(event.node)
        var flags = flags
        var totals: TotalsCheck?
        if case .sale(let verb, let sale) = read.content, verb == .complete || verb == .return {
            if hasTotal {
                let check = try TotalsCheck(sale)
                if !check.agrees { flags.append(AdapterFlag.totalsMismatch) }
                totals = check
            } else {
                flags.append(AdapterFlag.noTotal)
            }
        }
        read.flags = flags
        let masked = decoder.screening.withoutPaymentCards(event.node)
        return ConvertedDocument(
            .event(ConvertedEvent(event: read, native: masked, flags: flags, totals: totals)), at: place)
    }

    /// - Parameters:
    ///   - place: of the document; the error's own place is more exact where it has one.
    ///   - subject: what the document is about, as far as that is known.
    func problem(
        _ error: LoyaltyError, at place: Place, of subject: DocumentSubject = DocumentSubject()
    ) -> ConvertedDocument {
        var error = error
        if error.place?.line == nil {
            error.place = Place(line: place.line, column: place.column, path: error.place?.path ?? place.path)
        }
        // Nothing of the document is kept: only the native protocol says which of its fields may be.
        let line = place.line.map { "document at line \($0)" } ?? "document"
        var problem = TillLineProblem(error: error, redactedLine: line)
        if subject.mayEndSale {
            problem.isDocument = true
            problem.endedSale = harmless(subject.register, 64).map { register in
                .init(register: register, number: harmless(subject.number, 64), uid: harmless(subject.uid, 128))
            }
        }
        return ConvertedDocument(.problem(problem), at: place)
    }

    private func harmless(_ name: String?, _ longest: Int) -> String? {
        name.flatMap {
            $0.isEmpty || $0.utf8.count > longest || decoder.screening.containsPaymentCard($0) ? nil : $0
        }
    }

    private func identifier(_ number: String, _ verb: String, _ sale: NativeTable) -> String {
        let digest = String(StableDigest.of(JSONText.compact(sale.node).utf8), radix: 16)
        let padded = String(repeating: "0", count: 16 - digest.utf8.count) + digest
        let id = "\(number)-\(verb)-\(padded)"
        // A digest of many digits may pass for one; a number that does is refused all the same.
        return decoder.screening.containsPaymentCard(padded)
            ? "\(number)-\(verb)-\(padded.prefix(8)):\(padded.suffix(8))" : id
    }
}

/// FNV-1a of 64 bits (draft-eastlake-fnv): tells the versions of one document apart, and guards nothing.
enum StableDigest {
    static func of(_ bytes: some Sequence<UInt8>) -> UInt64 {
        bytes.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01b3 }
    }
}

extension CardScreening {
    /// Texts for people: the decoder masks payment cards in them and takes the event. In all other texts it refuses them.
    private static let freeText: Set<String> = ["name", "dept", "reason", "channel", "uom", "code", "time_raw"]

    /// The event as it may be printed: masked where the decoder masks, without the values of cards that the screen refuses.
    func withoutPaymentCards(_ node: DataNode, key: String = "") -> DataNode {
        switch node.value {
        case .string(let text) where Self.freeText.contains(key):
            return DataNode(.string(harmless(text)), at: node.place)
        case .array(let nodes):
            let kept = key == "members" ? nodes.filter { !isRefused($0) } : nodes
            return DataNode(.array(kept.map { withoutPaymentCards($0, key: key) }), at: node.place)
        case .table(var entries):
            for index in entries.indices {
                // Ids of discounts and tenders are free text as well; those of lines and events are identities.
                let isFree = entries[index].key == "id" && (key == "discounts" || key == "tenders")
                entries[index].node = withoutPaymentCards(
                    entries[index].node, key: isFree ? "name" : entries[index].key)
            }
            return DataNode(.table(entries), at: node.place)
        default: return node
        }
    }

    private func isRefused(_ member: DataNode) -> Bool {
        guard case .table(let entries) = member.value,
            case .string(let text) = entries.first(where: { $0.key == "value" })?.node.value,
            case .string(let kind) = entries.first(where: { $0.key == "scheme" })?.node.value,
            case .refused = classify(text, CardIdentifierKind(rawValue: kind) ?? .card, .till)
        else { return false }
        return true
    }
}
