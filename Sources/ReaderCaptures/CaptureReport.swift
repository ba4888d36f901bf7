public import CardReading
public import LoyaltyModel

/// What the decoders made of a capture, beside what its file expects. Holds no digit of a payment card.
///
/// The document that `loyaltyctl readers decode --json` prints; docs/cli.md describes it.
public struct CaptureReport: Sendable, Hashable, Encodable {
    public struct Scan: Sendable, Hashable, Encodable {
        /// `number`, or why it was refused: `payment_card`, `encrypted_card`, `not_a_loyalty_card`, `unreadable`.
        public var outcome: String
        public var entry: String
        public var symbology: String?
        public var aim: String?
        /// Nil where the outcome says that nothing of it may be shown.
        public var text: String?
        /// GS1 application identifiers with their values.
        public var elements: [[String]]?
    }

    public struct Case: Sendable, Hashable, Encodable {
        public var id: String
        public var scans: [Scan] = []
        public var dropped = 0
        public var flaw: String?
        /// Whether this is what the file expects; nil where it expects nothing, or has no bytes.
        public var agrees: Bool?
        public var differences: [String] = []
        public var skipped: String?
    }

    public var name: String
    public var kind: String
    /// False where any case differs.
    public var agrees: Bool
    public var cases: [Case]

    /// - Parameter only: the id of the one case that is wanted; nil: all.
    /// - Throws: `capture.no_decoder`, `capture.syntax`
    public init(_ capture: Capture, options: ReaderOptions = .init(), only: String? = nil) throws(LoyaltyError) {
        let decoder = CaptureDecoder(capture, options: options)
        let classifier = try CardClassifier(schemes: [])
        // A kind that nothing reads is told even where the file has no cases.
        _ = try decoder.decoder(for: .nothing)
        var cases: [Case] = []
        for sample in capture.cases where only == nil || sample.id == only {
            if case .nothing = sample.payload {
                cases.append(Case(id: sample.id, skipped: "the file has no bytes for it"))
                continue
            }
            let reading = try decoder.read(sample)
            cases.append(Self.report(sample, reading, classifier))
        }
        guard only == nil || !cases.isEmpty else {
            throw LoyaltyError(
                .captureSyntax, "there is no case of that id", remedy: "Leave --case out to see them all")
        }
        name = capture.name
        kind = capture.kind
        agrees = cases.allSatisfy { $0.agrees != false }
        self.cases = cases
    }

    private static func report(
        _ sample: Capture.Case, _ reading: CaptureDecoder.Reading, _ classifier: CardClassifier
    ) -> Case {
        let outcomes = reading.scans.map(classifier.classify)
        let scans = zip(reading.scans, outcomes).map(shown)
        var report = Case(id: sample.id, scans: scans, dropped: reading.dropped, flaw: reading.flaw?.message)
        guard let expected = sample.expected else { return report }
        report.differences = expected.differences(from: reading, shown: scans)
        if let number = expected.number, outcomes.first?.number != number {
            report.differences.append("the number is another")
        }
        report.agrees = report.differences.isEmpty
        return report
    }

    private static func shown(_ scan: DecodedScan, _ outcome: CardScan.Outcome) -> Scan {
        var shown = Scan(outcome: "number", entry: scan.entry.rawValue)
        shown.symbology = scan.symbology?.rawValue
        shown.aim = scan.aim?.description
        if case .refused(let refusal) = outcome {
            shown.outcome = refusal.rawValue
            guard scan.entry != .msr, refusal == .notALoyaltyCard || refusal == .unreadable else { return shown }
        }
        let text = String(decoding: scan.text, as: UTF8.self)
        // Twice, since the classifier lets article numbers pass by their symbology.
        guard
            scan.symbology?.isArticleNumber == true || scan.gs1Elements != nil
                || !PaymentScreen.containsPaymentCard(text)
        else { return shown }
        shown.text = text
        shown.elements = scan.gs1Elements
        return shown
    }
}

extension CardScan.Outcome {
    fileprivate var number: String? {
        switch self {
        case .loyalty(let number, _), .unclassified(let number): number.value
        case .refused: nil
        }
    }
}

extension DecodedScan {
    fileprivate var gs1Elements: [[String]]? {
        guard aim != nil, let message = try? GS1Message.read(self) else { return nil }
        return message.elements.map { [$0.identifier, String(decoding: $0.value, as: UTF8.self)] }
    }
}

extension CaptureExpectation {
    /// In words; nothing of a refused scan is quoted.
    func differences(from reading: CaptureDecoder.Reading, shown: [CaptureReport.Scan]) -> [String] {
        if isSilent { return reading.scans.isEmpty ? [] : ["expected no scan, there are \(reading.scans.count)"] }
        var differences: [String] = []
        if let isValid, isValid != (reading.flaw == nil) {
            differences.append(
                isValid ? "expected valid, but \(reading.flaw?.message ?? "")" : "expected invalid, it was read")
        }
        if isValid == false { return differences }
        guard reading.scans.count == 1, let scan = reading.scans.first, let visible = shown.first else {
            return differences + ["expected one scan, there are \(reading.scans.count)"]
        }
        if let text, text != String(decoding: scan.text, as: UTF8.self) {
            differences.append(
                visible.text.map { "expected the text \"\(text)\", read \"\($0)\"" } ?? "the text is another")
        }
        if let aim, aim != visible.aim { differences.append("expected \(aim), read \(visible.aim ?? "no identifier")") }
        if let symbology, !isSymbology(symbology, of: scan) {
            differences.append("expected \(symbology), read \(visible.symbology ?? "none")")
        }
        if let isPaymentCard, isPaymentCard != (visible.outcome == CardScan.Refusal.paymentCard.rawValue) {
            differences.append("expected \(isPaymentCard ? "a" : "no") payment card, read as \(visible.outcome)")
        }
        if let isEncrypted, isEncrypted != (visible.outcome == CardScan.Refusal.encryptedCard.rawValue) {
            differences.append("expected \(isEncrypted ? "an" : "no") encrypted card, read as \(visible.outcome)")
        }
        if let elements, elements != visible.elements ?? [] { differences.append("the GS1 elements are others") }
        return differences
    }

    /// Files name a carrier where the decoders name the symbology; and a reader that sends no symbology cannot contradict
    /// an article number's.
    private func isSymbology(_ name: String, of scan: DecodedScan) -> Bool {
        guard let symbology = scan.symbology else {
            let length = ["ean13": 13, "ean8": 8, "upca": 12][name]
            return length == scan.text.count && CardNumber.hasValidCheckDigit(scan.text)
        }
        let carriers: [String: Symbology] = ["databar-expanded": .databar, "qr-digital-link": .qr]
        return symbology == carriers[name] ?? Symbology(rawValue: name)
    }
}
