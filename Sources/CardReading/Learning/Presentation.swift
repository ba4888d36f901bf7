import LoyaltyModel

/// One card or code held before a reader: all reports that came of it, with the facts that choose their decoder.
///
/// It may be a payment card. Its text forms show nothing of it.
public struct Presentation: Sendable {
    public struct Report: Sendable {
        /// From the first report.
        public var at: Duration
        /// As transferred, its ID included.
        public var bytes: [UInt8]

        public init(at: Duration, bytes: [UInt8]) {
            self.at = at
            self.bytes = bytes
        }
    }

    public let facts: InterfaceFacts
    public let reports: [Report]
    /// False where whoever recorded it put other digits in place of those that were read, the same for the same.
    public let hasRealDigits: Bool
    /// What it is read with where descriptors and ids do not tell.
    public let protocolHint: ReaderProtocol?

    public init(
        facts: InterfaceFacts, reports: [Report], hasRealDigits: Bool = true, protocolHint: ReaderProtocol? = nil
    ) {
        self.facts = facts
        self.reports = reports
        self.hasRealDigits = hasRealDigits
        self.protocolHint = protocolHint.flatMap { ReaderProtocol.hints.contains($0) ? $0 : nil }
    }

    /// So long a silence lies between two presentations: no reader pauses so long inside one, no hand is that quick.
    public static let pause = Duration.milliseconds(700)

    /// Cuts a recording at its silences.
    public static func split(
        _ reports: [Report], facts: InterfaceFacts, hasRealDigits: Bool = true, protocolHint: ReaderProtocol? = nil
    ) -> [Presentation] {
        var presentations: [[Report]] = []
        for report in reports {
            if let last = presentations.last?.last, report.at - last.at < pause {
                presentations[presentations.count - 1].append(report)
            } else {
                presentations.append([report])
            }
        }
        return presentations.map {
            Presentation(facts: facts, reports: $0, hasRealDigits: hasRealDigits, protocolHint: protocolHint)
        }
    }

    /// The longest silence between two reports.
    var longestPause: Duration {
        zip(reports, reports.dropFirst()).map { $1.at - $0.at }.max() ?? .zero
    }

    /// What reads it.
    func choice(_ options: ReaderOptions = .init()) -> ScanDecoder.Verdict {
        var options = options
        options.protocolHint = options.protocolHint ?? protocolHint
        return ScanDecoder.choose(for: facts, options: options)
    }

    /// Everything that the decoder makes of it, until nothing waits any more.
    func scans(options: ReaderOptions) -> [DecodedScan] {
        guard case .reads(var decoder) = choice(options), let first = reports.first else { return [] }
        let start = MonotonicTime(nanoseconds: 0)
        var scans: [DecodedScan] = []
        for report in reports { scans += decoder.receive(report.bytes, at: start.adding(report.at - first.at)) }
        // A decoder asks for a few deadlines at most: half a scan, held tracks, a late rest.
        for _ in 0..<8 {
            guard let deadline = decoder.deadline else { break }
            scans += decoder.expire(at: deadline)
        }
        return scans
    }
}

extension Presentation: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var description: String { "Presentation(\(reports.count) reports)" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: ["reports": reports.count]) }
}
