import LoyaltyModel

/// The number of a card as a scheme describes it, with where it stood.
struct CardContent: Sendable {
    var number: [UInt8]
    /// The GS1 application identifier that it is the value of.
    var applicationIdentifier: String?
    var isDigitalLink = false
    /// Of a stripe.
    var track: Int?
    var symbology: Symbology?
    var aim: AIMIdentifier?

    /// - Returns: nil where no number can be found in it.
    init?(_ scan: DecodedScan) {
        symbology = scan.symbology
        aim = scan.aim
        guard scan.entry != .msr else {
            guard let tracks = MagneticTracks(scan.text), let candidate = tracks.candidates.first else { return nil }
            number = candidate.characters
            track = [2, 1, 3].first { wanted in
                tracks.tracks.contains { $0.number == wanted && !$0.isUnreadable && !$0.data.isEmpty }
            }
            return
        }
        if let message = (try? GS1Message.read(scan)) ?? nil, let value = message.value(of: GS1Message.membership) {
            number = value
            applicationIdentifier = GS1Message.membership
            isDigitalLink = message.isDigitalLink
            return
        }
        if let symbology, symbology.isArticleNumber {
            guard let canonical = ArticleNumber.canonical(scan.text, symbology: symbology) else { return nil }
            number = canonical
            return
        }
        guard let forms = LinearCode.forms(scan.text, aim: scan.aim), let last = forms.last else { return nil }
        // An ITF's check digit is part of the number that is printed; a Code 39's and a Codabar's is not.
        let isSentITF = symbology == .itf && scan.aim.map(CheckCharacter.init) == .sent
        number = isSentITF ? forms[0] : last
    }

    /// GS1 General Specifications 2.1.11: 02, 04 and 20 to 29 mean what each shop wants.
    var hasInStorePrefix: Bool {
        let isArticle = symbology?.isArticleNumber ?? ArticleNumber.isPlausible(number)
        guard isArticle, number.count == 13 else { return false }
        return number.starts(with: "02".utf8) || number.starts(with: "04".utf8) || number.first == UInt8(ascii: "2")
    }

    var isArticle: Bool { symbology?.isArticleNumber ?? ArticleNumber.isPlausible(number) }

    /// `13 characters, …0017`
    var shown: String {
        let characters = "\(number.count) character\(number.count == 1 ? "" : "s")"
        guard let card = CardNumber(String(decoding: number, as: UTF8.self)) else { return characters }
        return "\(characters), \(card.masked)"
    }
}
