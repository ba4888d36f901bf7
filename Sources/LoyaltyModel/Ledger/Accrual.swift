/// Points of one currency of a program, and which lines they came from. Negative for what is taken back.
public struct Accrual: Hashable, Sendable, Codable {
    /// The share of one sale line; shares sum exactly to the total.
    public struct LineShare: Hashable, Sendable, Codable {
        public var line: String
        public var points: Points

        public init(line: String, points: Points) {
            self.line = line
            self.points = points
        }
    }

    /// The program's name of the points currency, such as `points` or `stars`.
    public var currency: String
    public var total: Points
    /// The part of the total that counts towards a tier.
    public var qualifying: Points
    public var lines: [LineShare]

    public init(currency: String, total: Points, qualifying: Points, lines: [LineShare]) {
        self.currency = currency
        self.total = total
        self.qualifying = qualifying
        self.lines = lines
    }
}

/// What one rule did with one sale, in the order of evaluation.
public struct TraceStep: Hashable, Sendable, Codable {
    public struct Line: Hashable, Sendable, Codable {
        public var line: String
        /// The money that the rule counted, in major units.
        public var basis: String
        /// The exact points before rounding, as a decimal or fraction.
        public var points: String
        /// Why the line did not count.
        public var excluded: String?

        public init(line: String, basis: String, points: String, excluded: String? = nil) {
            self.line = line
            self.basis = basis
            self.points = points
            self.excluded = excluded
        }
    }

    public var rule: String
    public var matched: Bool
    /// A sentence: why it matched or did not, what it gave.
    public var reason: String
    public var points: String?
    /// What it would have given without its limits; nil where no limit took anything.
    public var wanted: String?
    public var lines: [Line]

    public init(rule: String, matched: Bool, reason: String, points: String? = nil, lines: [Line] = []) {
        self.rule = rule
        self.matched = matched
        self.reason = reason
        self.points = points
        self.lines = lines
    }
}

/// The identity of a program: its name, its version text and the SHA-256 of the file, lower-case hex.
public struct ProgramIdentity: Hashable, Sendable, Codable {
    public var name: String
    public var version: String?
    public var hash: String

    public init(name: String, version: String?, hash: String) {
        self.name = name
        self.version = version
        self.hash = hash
    }
}
