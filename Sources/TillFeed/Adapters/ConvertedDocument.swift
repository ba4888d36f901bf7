public import DataFormats
public import LoyaltyModel

/// What became of one document of a till.
public struct ConvertedDocument: Sendable {
    public enum Outcome: Sendable {
        case event(ConvertedEvent)
        case problem(TillLineProblem)
    }

    /// Where the document begins.
    public var place: Place
    public var outcome: Outcome

    init(_ outcome: Outcome, at place: Place) {
        self.outcome = outcome
        self.place = place
    }

    /// Names what was read, where it became a problem; nil where that cannot be told from what others wrote.
    func of(_ content: Int?) -> ConvertedDocument {
        guard case .problem(var problem) = outcome else { return self }
        problem.content = content
        return ConvertedDocument(.problem(problem), at: place)
    }
}

/// A native event that an adapter made.
public struct ConvertedEvent: Sendable {
    public var event: TillEvent
    /// The event as docs/till-protocol.md writes it; nodes carry their places in the till's document.
    public var native: DataNode
    /// `totals_mismatch`, `void_without_partner`, and what else the adapter noticed; docs/till-adapters.md lists them.
    public var flags: [String]
    /// Nil where the document is no finished sale.
    public var totals: TotalsCheck?

    /// One line of the native protocol, without its line end.
    public var line: String { JSONText.compact(native) }
}

/// Reads the documents of one dialect out of a stream of bytes, in pieces of any size.
///
/// A document that cannot be read becomes a problem, and reading goes on behind it. Memory is bounded whatever comes.
public protocol TillDocumentReader {
    mutating func append(_ bytes: [UInt8]) -> [ConvertedDocument]
    /// What stands between the last document's end and the end of the stream.
    mutating func finish() -> [ConvertedDocument]
}
