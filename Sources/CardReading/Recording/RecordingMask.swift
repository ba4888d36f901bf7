import LoyaltyModel

/// Judges what a reader sent in one go, and takes out of it what a recording may not have.
struct RecordingMask: Sendable {
    enum Editing: Sendable {
        case keys(KeyReportFormat)
        case bytes(hasBinaryDigits: Bool, seal: FrameSeal)
        case stripes([UInt8: HIDStripeFormat], usesReportIDs: Bool)
    }

    let kind: ReaderProtocol
    let options: ReaderOptions
    let editing: Editing
    let numbers: NumberMask
    private let pristine: ScanDecoder
    private let classifier: CardClassifier
    private let digits: RecordedDigits
    /// As a capture file is read: without schemes.
    private let plain: CardClassifier

    /// More is left out: every byte is tried by itself.
    private static let mostBytes = 4096
    /// Slots of a keyboard's scan times its reports: each slot is tried by itself, and all reports are read each time.
    private static let mostTrials = 2_000_000
    private static let mostAttempts: UInt64 = 256
    /// Shorter ones may be single keys that a hand typed.
    private static let fewestDigitsKept = 6

    init?(
        _ facts: InterfaceFacts, options: ReaderOptions, decoder: ScanDecoder, classifier: CardClassifier,
        digits: RecordedDigits, key: (UInt64, UInt64)
    ) {
        guard let plain = try? CardClassifier(schemes: []) else { return nil }
        let descriptor = try? ReportDescriptor(facts.reportDescriptor)
        let usesReportIDs = descriptor?.usesReportIDs ?? false
        switch decoder.kind {
        case .keyboard:
            guard let format = descriptor.flatMap(KeyReportFormat.init) else { return nil }
            editing = .keys(format)
        case .hidMSR:
            editing = .stripes(descriptor.map(HIDStripeFormat.formats) ?? [:], usesReportIDs: usesReportIDs)
        default:
            editing = .bytes(
                hasBinaryDigits: decoder.kind == .ibmOEM,
                seal: FrameSeal(isIDTech: decoder.kind == .idtech, usesReportIDs: usesReportIDs))
        }
        kind = decoder.kind
        self.options = options
        self.digits = digits
        self.classifier = classifier
        self.plain = plain
        pristine = decoder
        numbers = NumberMask(key: key)
    }

    /// What may be told of reports that came in one go.
    func items(of groups: [RecordedGroup]) -> [RecordedItem] {
        guard let start = groups.first?.start else { return [] }
        if let reason = screen(groups) { return [.withheld(at: start, reason)] }
        return joined(groups).flatMap(items)
    }

    // MARK: The screen

    /// One payment card refuses everything that came with it: a name may have come as a scan of its own.
    private func screen(_ groups: [RecordedGroup]) -> Withheld? {
        let outcomes = groups.flatMap { $0.scans.map(classifier.classify) }
        if outcomes.contains(.refused(.paymentCard)) { return .paymentCard }
        if outcomes.contains(.refused(.encryptedCard)) { return .encryptedCard }
        let unmasked = withoutParity(groups).map(classifier.classify)
        if unmasked.contains(.refused(.paymentCard)) { return .paymentCard }
        if unmasked.contains(.refused(.encryptedCard)) { return .encryptedCard }
        let isAllLoyalty = outcomes.allSatisfy { if case .loyalty = $0 { true } else { false } }
        if isAllLoyalty, groups.allSatisfy({ $0.dropped == 0 }), !outcomes.isEmpty { return nil }
        return trails(groups).contains(where: PaymentScreen.containsPaymentCard) ? .paymentCard : nil
    }

    /// Scans of a port as they would be with the right parity: with the wrong one it stands in bit 7, and no digit looks like one.
    private func withoutParity(_ groups: [RecordedGroup]) -> [DecodedScan] {
        groups.flatMap(\.scans).filter(mayHoldParity).compactMap { scan in
            DecodedScan(
                characters: scan.text.map { $0 & 0x7f }.strippingSuffix(), completedAt: scan.completedAt)
        }
    }

    private func mayHoldParity(_ scan: DecodedScan) -> Bool {
        kind == .serial && scan.text.contains { $0 >= 0x80 }
    }

    /// What was sent, read in ways that the decoder need not have read it: on any layout, with any separator, and in pieces.
    private func trails(_ groups: [RecordedGroup]) -> [String] {
        let unread = groups.filter(\.scans.isEmpty)
        switch editing {
        case .keys(let format):
            let trail = keys(groups.flatMap { $0.reports.map(\.bytes) }, format).trail
            let pieces = keys(unread.flatMap { $0.reports.map(\.bytes) }, format).trail.filter(\.isASCIIDigit)
            let separated = trail.map { $0 == UInt8(ascii: "x") ? UInt8(ascii: "=") : $0 }
            return [trail, separated, pieces].map { String(decoding: $0, as: UTF8.self) }
        case .bytes, .stripes:
            let bytes = unread.flatMap { $0.reports.flatMap(\.bytes) }
            let readings = kind == .serial ? [bytes, bytes.map { $0 & 0x7f }] : [bytes]
            return readings.flatMap { bytes in
                let trail = bytes.map { $0.isASCIIDigit ? $0 : UInt8(ascii: "x") }
                return [trail, trail.filter(\.isASCIIDigit)].map { String(decoding: $0, as: UTF8.self) }
            }
        }
    }

    private func keys(_ reports: [[UInt8]], _ format: KeyReportFormat) -> KeyEditor {
        KeyEditor(reports, format: format, layout: options.layout)
    }

    /// Releases and lights around a scan go with it; a reader that says zeros says nothing.
    private func joined(_ groups: [RecordedGroup]) -> [RecordedGroup] {
        var result: [RecordedGroup] = []
        var leading: [(at: Int, bytes: [UInt8])] = []
        for var group in groups {
            guard group.isIdle else {
                group.reports = leading + group.reports
                leading = []
                result.append(group)
                continue
            }
            if kind == .keyboard {
                if result.isEmpty {
                    leading += group.reports
                } else {
                    result[result.count - 1].reports += group.reports
                }
            } else if group.reports.contains(where: { $0.bytes.contains { $0 != 0 } }) {
                result.append(group)
            }
        }
        if !leading.isEmpty { result.append(RecordedGroup(reports: leading)) }
        return result
    }

    // MARK: One group

    private func items(of group: RecordedGroup) -> [RecordedItem] {
        switch edited(group) {
        case .failure(let reason): return [.withheld(at: group.start, reason.withheld)]
        case .success(let (reports, isReal)):
            let reading = read(reports, at: group.reports.map(\.at))
            var items = zip(group.reports, reports).map { RecordedItem.report(at: $0.at, $1) }
            items += reading.scans.map { .scan(at: group.end, shown($0, isReal: isReal)) }
            if reading.scans.isEmpty, group.dropped > 0 { items.append(.half(at: group.end)) }
            return items
        }
    }

    private struct Refusal: Error { var withheld: Withheld }

    private func edited(_ group: RecordedGroup) -> Result<(reports: [[UInt8]], isReal: Bool), Refusal> {
        let reports = group.reports.map(\.bytes)
        let times = group.reports.map(\.at)
        if group.scans.isEmpty { return unread(reports, times) }
        if let reason = refusal(of: group) { return .failure(Refusal(withheld: reason)) }
        guard reports.reduce(0, { $0 + $1.count }) <= Self.mostBytes || kind == .keyboard else {
            return .failure(Refusal(withheld: .tooLong))
        }
        let base = read(reports, at: times)
        // Milliseconds are coarser than what the decoder saw; what does not survive them is of no use.
        guard base.scans.count == group.scans.count else { return .failure(Refusal(withheld: .notMaskable)) }
        guard let editor = editor(reports, times, base) else { return .failure(Refusal(withheld: .notMaskable)) }
        guard editor.slots.count * reports.count <= Self.mostTrials || !(editor is KeyEditor) else {
            return .failure(Refusal(withheld: .tooLong))
        }
        if keepsDigits(of: group) {
            let kept = editor.replacing([:])
            return read(kept, at: times) == base ? .success((kept, true)) : .failure(Refusal(withheld: .notMaskable))
        }
        let plan = ReplacementPlan(editor, base) { read($0, at: times) }
        guard let plan else { return .failure(Refusal(withheld: .notMaskable)) }
        for attempt in 0..<Self.mostAttempts {
            let result = editor.replacing(plan.symbols(numbers, attempt: attempt))
            if isFaithful(read(result, at: times), base) { return .success((result, false)) }
        }
        return .failure(Refusal(withheld: .notMaskable))
    }

    /// What cannot be replaced in scans that were read.
    private func refusal(of group: RecordedGroup) -> Withheld? {
        // The keys behind the tracks are encrypted tracks, the serial number of the head and of its key. Bytes there would be zeroed.
        if case .keys = editing, group.scans.contains(where: \.hadEncryptedBlock) { return .encryptedCard }
        // Digits with their parity are no digits to the editor.
        let isUnknown = group.scans.contains {
            mayHoldParity($0) && classifier.classify($0) == .refused(.unreadable)
        }
        return isUnknown ? .notUnderstood : nil
    }

    /// Half a scan, and keys that are none.
    private func unread(
        _ reports: [[UInt8]], _ times: [Int]
    ) -> Result<(reports: [[UInt8]], isReal: Bool), Refusal> {
        let editor: any ReportEditor
        switch editing {
        case .keys(let format): editor = keys(reports, format)
        case .bytes(_, let seal) where kind == .serial:
            guard reports.allSatisfy({ $0.allSatisfy { $0 < 0x80 } }) else {
                return .failure(Refusal(withheld: .notUnderstood))
            }
            editor = ByteEditor(reports, hasBinaryDigits: false, hasLetters: true, seal: seal)
        default: return .failure(Refusal(withheld: .notUnderstood))
        }
        let all = ReplacementPlan(everySlotOf: editor)
        for attempt in 0..<Self.mostAttempts {
            let result = editor.replacing(all.symbols(numbers, attempt: attempt))
            if read(result, at: times).scans.isEmpty { return .success((result, false)) }
        }
        return .failure(Refusal(withheld: .notMaskable))
    }

    private func editor(_ reports: [[UInt8]], _ times: [Int], _ base: RecordedReading) -> (any ReportEditor)? {
        switch editing {
        case .keys(let format): return keys(reports, format)
        case .stripes(let formats, let usesReportIDs):
            return StripeEditor(reports, formats: formats, usesReportIDs: usesReportIDs)
        case .bytes(let hasBinaryDigits, let seal):
            let bare = ReportReduction(seal: seal) { read($0, at: times) == base }.reduced(reports)
            let isStripe = base.scans.contains { $0.entry == .msr }
            return ByteEditor(bare, hasBinaryDigits: hasBinaryDigits, hasLetters: isStripe, seal: seal)
        }
    }

    private func keepsDigits(of group: RecordedGroup) -> Bool {
        guard digits == .kept else { return false }
        return group.scans.allSatisfy { scan in
            if case .refused = classifier.classify(scan) { return false }
            return scan.text.count(where: \.isASCIIDigit) >= Self.fewestDigitsKept
        }
    }

    // MARK: Reading

    /// What a capture file of the reports would be read as.
    private func read(_ reports: [[UInt8]], at times: [Int]) -> RecordedReading {
        var decoder = pristine
        var reading = RecordedReading()
        let start = MonotonicTime(nanoseconds: 0)
        for (time, report) in zip(times, reports) {
            reading.scans += decoder.receive(report, at: start.adding(.milliseconds(time - (times.first ?? 0))))
            _ = decoder.takeRequests()
        }
        for _ in 0..<8 {
            guard let deadline = decoder.deadline else { break }
            reading.scans += decoder.expire(at: deadline)
        }
        reading.dropped = decoder.droppedPartialScans - pristine.droppedPartialScans
        return reading
    }

    private func isFaithful(_ reading: RecordedReading, _ base: RecordedReading) -> Bool {
        guard reading.dropped == base.dropped, reading.scans.count == base.scans.count else { return false }
        return zip(reading.scans, base.scans).allSatisfy { new, old in
            guard new.hasShape(of: old), new.gs1Identifiers == old.gs1Identifiers else { return false }
            switch (plain.classify(new), classifier.classify(old)) {
            case (.refused(let new), .refused(let old)): return new == old
            case (.unclassified, .unclassified), (.unclassified, .loyalty): return true
            default: return false
            }
        }
    }

    private func shown(_ scan: DecodedScan, isReal: Bool) -> RecordedScan {
        var shown = RecordedScan(
            text: String(decoding: scan.text, as: UTF8.self), symbology: scan.symbology?.rawValue,
            aim: scan.aim?.description, entry: scan.entry.rawValue, outcome: "number", hasRealDigits: isReal)
        switch plain.classify(scan) {
        case .loyalty(let number, _), .unclassified(let number): shown.number = number.value
        case .refused(let refusal): shown.outcome = refusal.rawValue
        }
        return shown
    }
}

/// What a decoder makes of reports.
struct RecordedReading: Sendable, Equatable {
    var scans: [DecodedScan] = []
    var dropped = 0

    static func == (left: RecordedReading, right: RecordedReading) -> Bool {
        left.dropped == right.dropped && left.scans.count == right.scans.count
            && zip(left.scans, right.scans).allSatisfy { $0.text == $1.text && $0.hasShape(of: $1) }
    }
}

extension DecodedScan {
    /// Whether only letters and digits differ.
    func hasShape(of other: DecodedScan) -> Bool {
        symbology == other.symbology && aim == other.aim && entry == other.entry
            && hadEncryptedBlock == other.hadEncryptedBlock && text.count == other.text.count
    }

    /// nil where it is no GS1 message.
    var gs1Identifiers: [String]? { certainMessage?.elements.map(\.identifier) }

    /// The GS1 message of a code that says itself that it holds one: an EAN from a wedge can be read as one, too.
    var certainMessage: GS1Message? {
        guard let message = (try? GS1Message.read(self)) ?? nil else { return nil }
        return message.isDigitalLink || gs1Carrier == .elementString ? message : nil
    }
}
