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
        guard let symbology = scan.symbology, symbology.isArticleNumber else { return classifyCode(scan) }
        let text = String(decoding: scan.text, as: UTF8.self)
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
        case .memberID:
            return classifyMemberID(text)
        case .card, .appCode:
            guard let scan = DecodedScan(characters: bytes, completedAt: MonotonicTime(nanoseconds: 0)) else {
                return .refused(.notALoyaltyCard)
            }
            if scan.aim != nil || scan.text.contains(GS1Message.separator) { return classify(scan) }
            return classify(text, symbology: nil, finding: PaymentScreen.finding(in: text))
        }
    }

    /// As the member's record has it, which knows no product codes; what a scheme makes of its cards would be another member.
    private func classifyMemberID(_ text: String) -> CardScan.Outcome {
        let outcome = classify(text: text, kind: .card, entry: .lookup)
        let scan = DecodedScan(characters: Array(text.utf8), completedAt: MonotonicTime(nanoseconds: 0))
        guard let scan, scan.aim == nil, !scan.text.contains(GS1Message.separator) else { return outcome }
        var id = text[...]
        while id.first == " " { id.removeFirst() }
        while id.last == " " { id.removeLast() }
        guard let number = CardNumber(verbatim: id) else { return outcome }
        return switch outcome {
        case .loyalty(_, let scheme): .loyalty(number, scheme: scheme)
        case .unclassified: .unclassified(number)
        // It only lacks the check digit of a scheme's cards.
        case .refused(.unreadable) where PaymentScreen.finding(in: text) == .none: .unclassified(number)
        case .refused: outcome
        }
    }

    private func classify(
        _ text: String, symbology: Symbology?, forms: [[UInt8]]? = nil, finding: PaymentScreen.Finding
    ) -> CardScan.Outcome {
        if finding == .certain { return .refused(.paymentCard) }
        return match(forms ?? [Array(text.utf8)], symbology: symbology) ?? accept(text, finding: finding)
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

    /// nil where no scheme claims the number in any of its forms.
    private func match(_ forms: [[UInt8]], symbology: Symbology?) -> CardScan.Outcome? {
        var all = forms
        for characters in forms {
            if characters.count == 12, CardNumber.hasValidCheckDigit(characters) { all.append([0x30] + characters) }
            if characters.count == 13, characters.first == 0x30, CardNumber.hasValidCheckDigit(characters) {
                all.append(Array(characters.dropFirst()))
            }
        }
        var isMisread = false
        for scheme in schemes where scheme.applicationIdentifier == nil && scheme.takes(symbology) {
            for form in all {
                switch match(form, scheme, isScreened: scheme.droppingFirst + scheme.droppingLast == 0) {
                case .refused(.unreadable)?: isMisread = true
                case let outcome?: return outcome
                case nil: continue
                }
            }
        }
        return isMisread ? .refused(.unreadable) : nil
    }

    /// nil where the scheme does not claim the number; unreadable where only its check digit is wrong.
    private func match(_ form: [UInt8], _ scheme: CardScheme, isScreened: Bool) -> CardScan.Outcome? {
        guard scheme.lengths.contains(form.count), form.starts(with: scheme.prefix.utf8) else { return nil }
        let body = form.dropFirst(scheme.droppingFirst)
        guard scheme.checkDigit.holds(for: body) else { return .refused(.unreadable) }
        let text = String(decoding: body.dropLast(scheme.droppingLast), as: UTF8.self)
        if !isScreened, PaymentScreen.containsPaymentCard(text) { return .refused(.paymentCard) }
        return CardNumber(text).map { .loyalty($0, scheme: scheme.name) }
    }

}

extension CardClassifier {
    /// A code other than EAN and UPC: the values of a GS1 message, then what it holds as a whole.
    private func classifyCode(_ scan: DecodedScan) -> CardScan.Outcome {
        let text = String(decoding: scan.text, as: UTF8.self)
        // A scheme may describe codes that claim to be GS1 and are not; so a damaged message is no reason to stop here.
        let message = (try? GS1Message.read(scan)) ?? nil
        let isCertain = message.map { $0.isDigitalLink || scan.gs1Carrier == .elementString } ?? false
        let finding = Self.finding(in: text, message: isCertain ? message : nil)
        if finding == .certain { return .refused(.paymentCard) }
        guard let forms = LinearCode.forms(scan.text, aim: scan.aim) else {
            return .refused(finding == .none ? .unreadable : .paymentCard)
        }
        if let message, let outcome = match(message, symbology: scan.symbology, isCertain: isCertain) { return outcome }
        let parts = scan.text.split(separator: GS1Message.separator).map(Array.init)
        for part in parts {
            if let outcome = match(parts.count > 1 ? [part] : forms, symbology: scan.symbology) { return outcome }
        }
        // A membership number is looked up as such, without the other elements around it.
        if isCertain, finding == .none, let value = message?.value(of: GS1Message.membership),
            let number = CardNumber(String(decoding: value, as: UTF8.self))
        {
            return .unclassified(number)
        }
        // Together with its identifiers, an element may be the number of a payment card. None begins with 0, as those of products do.
        let isAmbiguous = isCertain && scan.text.first { $0 != GS1Message.separator } != UInt8(ascii: "0")
        let whole = isAmbiguous && message?.isDigitalLink == false ? PaymentScreen.finding(in: text) : .none
        return accept(text, finding: max(finding, whole))
    }

    /// - Parameter isCertain: whether the code itself says that it holds GS1 data: then a GS1 key with a valid check digit is
    ///   one, like an EAN, whatever payment card it looks like.
    private func match(_ message: GS1Message, symbology: Symbology?, isCertain: Bool) -> CardScan.Outcome? {
        for scheme in schemes where scheme.takes(symbology) {
            guard let code = scheme.applicationIdentifier, let element = message.element(code),
                let outcome = match(element.value, scheme, isScreened: isCertain && element.isCheckedKey)
            else { continue }
            return outcome
        }
        return nil
    }

    /// Of a GS1 message all is screened but its keys.
    private static func finding(in text: String, message: GS1Message?) -> PaymentScreen.Finding {
        guard let message else { return PaymentScreen.finding(in: text) }
        if message.isDigitalLink {
            let keys = message.elements.filter(\.isCheckedKey).map { String(decoding: $0.value, as: UTF8.self) }
            return PaymentScreen.finding(in: keys.reduce(text) { $0.replacing($1, with: "key") })
        }
        return message.elements.filter { !$0.isCheckedKey }.map {
            PaymentScreen.finding(in: String(decoding: $0.value, as: UTF8.self))
        }.max() ?? .none
    }
}

extension CardScheme.CheckDigit {
    /// Whether the number ends with the right check digit.
    func holds(for digits: ArraySlice<UInt8>) -> Bool {
        switch self {
        case .none: true
        case .gs1: CardNumber.hasValidCheckDigit(digits)
        case .luhn: digits.allSatisfy(\.isASCIIDigit) && Luhn.isValid(digits)
        case .mod97:
            digits.count > 2 && digits.allSatisfy(\.isASCIIDigit)
                && digits.reduce(0) { ($0 * 10 + $1.digitValue) % 97 } == 1
        }
    }
}

extension CardScheme {
    func takes(_ symbology: Symbology?) -> Bool {
        guard let symbology, !symbologies.isEmpty else { return true }
        return symbologies.contains(symbology)
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
            if let outcome = match([candidate.characters], symbology: nil) { return outcome }
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
        // More than the number may stand there, behind a blank.
        let finding = max(PaymentScreen.finding(track: digits, isFinancial: false), PaymentScreen.finding(in: text))
        return classify(text, symbology: nil, finding: finding)
    }

    private static func finding(_ candidate: MagneticTracks.Candidate) -> PaymentScreen.Finding {
        candidate.isNumeric
            ? PaymentScreen.finding(track: candidate.characters, isFinancial: candidate.isFinancial)
            : PaymentScreen.finding(in: String(decoding: candidate.characters, as: UTF8.self))
    }
}
