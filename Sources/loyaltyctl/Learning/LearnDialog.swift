import CardReading
import KeyboardMaps
import LoyaltyModel

/// Leads the technician through learning: asks, tells what became of each presentation, and tries the result.
struct LearnDialog {
    struct Result {
        var reader: LearnedReader
        /// Of the scans behind the last that was needed; the outcome in words.
        var trials: [String] = []
        /// A scheme of the configuration that claims the cards already, so that none is written.
        var claimedBy: String?

        /// Fits the scheme into the configuration that it goes to.
        mutating func settleScheme(with existing: ExistingSections?) {
            guard let existing, let scheme = reader.scheme else { return }
            claimedBy = existing.claiming(scheme)
            if claimedBy == nil { reader.scheme?.name = existing.freeName(scheme.name) } else { reader.scheme = nil }
        }
    }

    let source: any PresentationSource
    let schemeName: String
    let isQuiet: Bool

    /// So many times in a row nothing came, and nobody is there.
    private static let mostSilences = 4
    /// Nobody stands at a till for longer.
    private static let longestSearch = Duration.seconds(10)

    /// - Throws: `learn.*`, `cards.scheme_overlaps_payment`, `control.*`
    func run() async throws -> Result {
        var learning = ReaderLearning(further: furtherLayouts)
        var silences = 0
        if source.isLive { say("Learning \(source.device.name). Ctrl-C ends, and nothing is written before the end.") }
        var asked: ReaderLearning.Request?
        while let request = learning.request {
            if request != asked, source.isLive { say(Self.words(request)) }
            asked = request
            switch try await source.next() {
            case .presentation(let presentation):
                silences = 0
                tell(learning.receive(presentation), request)
            case .withheld(let remark):
                silences = 0
                tell(.refused(remark), request)
            case .silence:
                silences += 1
                guard silences < Self.mostSilences else {
                    throw LoyaltyError(.learnNothingCame, "nothing came from the reader", remedy: Self.silenceHelp)
                }
                say("  Nothing came. \(Self.silenceHelp)")
            case .end: return Result(reader: try learning.reader(schemeName: schemeName))
            }
        }
        var result = Result(reader: try learning.reader(schemeName: schemeName))
        // Without real digits there is no card to be read.
        if result.reader.scheme != nil { try await tryOut(&result) }
        return result
    }

    /// Those of XKB, for a reader that none of the built-in layouts makes sense of.
    private var furtherLayouts: @Sendable () -> [KeyboardLayout] {
        let isQuiet = isQuiet
        return {
            if !isQuiet {
                Terminal.printError("  No built-in keyboard layout makes sense of that: trying all that XKB knows.")
            }
            let end = ContinuousClock.now + Self.longestSearch
            return KeyboardMaps.others { ContinuousClock.now < end }
        }
    }

    private func tryOut(_ result: inout Result) async throws {
        if source.isLive { say("Now scan one of the cards again: it is read by the new section.") }
        while true {
            switch try await source.next() {
            case .presentation(let presentation):
                let words = Self.words(result.reader.trial(presentation))
                result.trials.append(words)
                say("  \(words)")
                if source.isLive { return }
            case .withheld(let remark):
                say("  Not taken: \(remark.message).")
                if source.isLive { return }
            case .silence:
                say("  Nothing came: the section stays untried.")
                return
            case .end: return
            }
        }
    }

    private func tell(_ reply: ReaderLearning.Reply, _ request: ReaderLearning.Request) {
        let step = Self.step(request)
        switch reply {
        case .took(let shown): say("  \(step): \(shown).")
        case .refused(let remark): say("  \(step): not taken: \(remark.message). \(Self.capitalised(remark.remedy)).")
        }
    }

    private func say(_ text: String) {
        if !isQuiet { Terminal.printError(text) }
    }

    static let silenceHelp =
        "Check that the reader has light or power, that it is this one (loyaltyctl readers watch), and that it is ready "
        + "(loyaltyctl readers list)."

    static func words(_ request: ReaderLearning.Request) -> String {
        switch request {
        case .card(1): "Scan or swipe a loyalty card."
        case .card(let number): "The same card again, \(number) of \(ReaderLearning.repetitions)."
        case .otherCard: "Now the card of somebody else, of the same program."
        case .product: "Now something from the shelf, with an EAN or UPC."
        }
    }

    static func words(_ trial: LearnedReader.Trial) -> String {
        switch trial {
        case .card(let number): "read as card \(number.masked)"
        case .other: "read well, but no card of the scheme"
        case .refused(let refusal): "refused: \(Words.plain(refusal.rawValue))"
        case .nothing: "nothing was read"
        }
    }

    private static func step(_ request: ReaderLearning.Request) -> String {
        switch request {
        case .card(let number): "card, \(number) of \(ReaderLearning.repetitions)"
        case .otherCard: "another card"
        case .product: "product"
        }
    }

    private static func capitalised(_ text: String) -> String { text.prefix(1).uppercased() + text.dropFirst() }
}
