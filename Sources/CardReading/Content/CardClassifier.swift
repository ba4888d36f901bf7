public import LoyaltyModel

/// Tells loyalty cards from payment cards and from everything else. The one gate through which a number gets in.
///
/// Order of the tests: symbology, layout of a magnetic track, ranges of the payment networks with their lengths, Luhn. A scheme
/// wins over a range that networks and loyalty programs share, never over one that a network owns.
public struct CardClassifier: Sendable {
    /// Longest prefix first: the first match wins.
    public let schemes: [CardScheme]
    /// What the operator should know about the schemes.
    public let warnings: [String]

    /// - Throws: what `CardScheme.validate` throws, and `cards.bad_scheme` for two schemes of one name.
    public init(schemes: [CardScheme]) throws(LoyaltyError) {
        var warnings: [String] = []
        var names: Set<String> = []
        for scheme in schemes {
            warnings += try scheme.validate()
            guard names.insert(scheme.name).inserted else {
                throw LoyaltyError(.badScheme, "card scheme \"\(scheme.name)\" is there twice")
            }
        }
        self.schemes = schemes.sorted { $0.prefix.utf8.count > $1.prefix.utf8.count }
        self.warnings = warnings
    }

    /// What a scan is.
    public func classify(_ scan: DecodedScan) -> CardScan.Outcome {
        if scan.entry == .msr || MagneticTracks.isTrackText(scan.text) {
            return classifyTracks(scan.text, hadEncryptedBlock: scan.hadEncryptedBlock)
        }
        if let aim = scan.aim, aim.isManagement { return .refused(.notALoyaltyCard) }
        let text = String(decoding: scan.text, as: UTF8.self)
        guard let symbology = scan.symbology, symbology.isArticleNumber else {
            return classify(text, symbology: scan.symbology, finding: PaymentScreen.finding(in: text))
        }
        guard symbology != .eanSupplement else { return .refused(.notALoyaltyCard) }
        guard let canonical = ArticleNumber.canonical(scan.text, symbology: symbology) else {
            let isPayment = PaymentScreen.finding(in: text) != .none
            return .refused(isPayment ? .paymentCard : .unreadable)
        }
        return classify(String(decoding: canonical, as: UTF8.self), symbology: symbology, finding: .none)
    }

    /// What an identifier is that a till sent or a person typed. Track text is taken for a swipe whatever `entry` says.
    public func classify(text: String, kind: CardIdentifierKind, entry: CardEntry) -> CardScan.Outcome {
        let bytes = Array(text.utf8)
        if entry == .msr || MagneticTracks.isTrackText(bytes) {
            return MagneticTracks.isTrackText(bytes)
                ? classifyTracks(bytes, hadEncryptedBlock: bytes.contains(MagneticTracks.encryptedBlockSeparator))
                : classifyBareStripe(text)
        }
        switch kind {
        case .phone:
            // E.164 numbers have up to 15 digits; +49 with eleven more would else pass for an old Visa number.
            return accept(text, finding: PaymentScreen.finding(in: text, minimumLength: 14))
        case .email, .receiptCode:
            return accept(text, finding: PaymentScreen.finding(in: text))
        case .card, .appCode, .memberID:
            let scan = DecodedScan(characters: bytes, completedAt: MonotonicTime(nanoseconds: 0))
            if let scan, scan.aim != nil { return classify(scan) }
            return classify(text, symbology: nil, finding: PaymentScreen.finding(in: text))
        }
    }

    private func classify(
        _ text: String, symbology: Symbology?, finding: PaymentScreen.Finding
    ) -> CardScan.Outcome {
        if finding == .certain { return .refused(.paymentCard) }
        // GS1 element strings: elements of variable length end with GS.
        for element in text.split(separator: "\u{1d}") {
            if let outcome = match(Array(element.utf8), symbology: symbology) { return outcome }
        }
        return accept(text, finding: finding)
    }

    /// What no scheme claims.
    private func accept(_ text: String, finding: PaymentScreen.Finding) -> CardScan.Outcome {
        if finding != .none { return .refused(.paymentCard) }
        if let number = CardNumber(text) { return .unclassified(number) }
        let bytes = text.utf8
        let isPrintable = bytes.allSatisfy { (0x20...0x7e).contains($0) || $0 == 0x1d }
        let hasContent = bytes.contains { $0 != 0x20 }
        return .refused(isPrintable && hasContent ? .notALoyaltyCard : .unreadable)
    }

    /// nil where no scheme claims the number.
    private func match(_ characters: [UInt8], symbology: Symbology?) -> CardScan.Outcome? {
        var forms = [characters]
        if characters.count == 12, CardNumber.hasValidCheckDigit(characters) { forms.append([0x30] + characters) }
        if characters.count == 13, characters.first == 0x30, CardNumber.hasValidCheckDigit(characters) {
            forms.append(Array(characters.dropFirst()))
        }
        var isMisread = false
        for scheme in schemes {
            if let symbology, !scheme.symbologies.isEmpty, !scheme.symbologies.contains(symbology) { continue }
            for form in forms where scheme.lengths.contains(form.count) && form.starts(with: scheme.prefix.utf8) {
                let body = form.dropFirst(scheme.droppingFirst)
                guard Self.hasCheckDigit(scheme.checkDigit, body) else {
                    isMisread = true
                    continue
                }
                let text = String(decoding: body.dropLast(scheme.droppingLast), as: UTF8.self)
                let isExtract = scheme.droppingFirst + scheme.droppingLast > 0
                if isExtract, PaymentScreen.containsPaymentCard(text) { return .refused(.paymentCard) }
                guard let number = CardNumber(text) else { continue }
                return .loyalty(number, scheme: scheme.name)
            }
        }
        return isMisread ? .refused(.unreadable) : nil
    }

    private static func hasCheckDigit(_ rule: CardScheme.CheckDigit, _ digits: ArraySlice<UInt8>) -> Bool {
        switch rule {
        case .none: true
        case .gs1: CardNumber.hasValidCheckDigit(digits)
        case .luhn: digits.allSatisfy(\.isASCIIDigit) && Luhn.isValid(digits)
        }
    }
}

extension CardClassifier {
    /// A swipe is judged as a whole: one track of a payment card refuses all of them.
    private func classifyTracks(_ characters: [UInt8], hadEncryptedBlock: Bool) -> CardScan.Outcome {
        guard let tracks = MagneticTracks(characters) else {
            let text = String(decoding: characters, as: UTF8.self)
            // A reader that sends no masked tracks beside the encrypted ones.
            if hadEncryptedBlock, characters.isEmpty { return .refused(.encryptedCard) }
            return .refused(PaymentScreen.containsPaymentCard(text) ? .paymentCard : .unreadable)
        }
        let candidates = tracks.candidates
        if candidates.contains(where: { $0.isMasked(hadEncryptedBlock: hadEncryptedBlock) }) {
            return .refused(.encryptedCard)
        }
        guard !candidates.isEmpty else { return .refused(.unreadable) }
        let finding = candidates.map(Self.finding).max() ?? .none
        if finding == .certain { return .refused(.paymentCard) }
        for candidate in candidates {
            if let outcome = match(candidate.characters, symbology: nil) { return outcome }
        }
        if finding == .contested { return .refused(.paymentCard) }
        for candidate in candidates where !candidate.isAlternative {
            if let number = CardNumber(String(decoding: candidate.characters, as: UTF8.self)) {
                return .unclassified(number)
            }
        }
        return .refused(.unreadable)
    }

    /// A swipe of which the till kept the number alone.
    private func classifyBareStripe(_ text: String) -> CardScan.Outcome {
        let digits = text.utf8.filter { $0 != 0x20 }
        guard digits.allSatisfy(\.isASCIIDigit) else {
            return classify(text, symbology: nil, finding: PaymentScreen.finding(in: text))
        }
        return classify(text, symbology: nil, finding: PaymentScreen.finding(track: digits, isFinancial: false))
    }

    private static func finding(_ candidate: MagneticTracks.Candidate) -> PaymentScreen.Finding {
        candidate.isNumeric
            ? PaymentScreen.finding(track: candidate.characters, isFinancial: candidate.isFinancial)
            : PaymentScreen.finding(in: String(decoding: candidate.characters, as: UTF8.self))
    }
}
