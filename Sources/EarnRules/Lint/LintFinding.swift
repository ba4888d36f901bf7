import DataFormats
public import LoyaltyModel

/// Something in a good program file that is probably not what its writer meant.
public struct LintFinding: Hashable, Sendable, CustomStringConvertible {
    /// Each is explained in docs/program-tests.md.
    public enum Code: String, Hashable, Sendable, CaseIterable {
        /// The conditions of a rule exclude each other.
        case neverMatches = "lint.never_matches"
        /// A window ends before the program begins.
        case windowPast = "lint.window_past"
        /// Another rule of the stacking group counts whenever this one could.
        case shadowed = "lint.shadowed"
        /// Days between two windows of the same offer on which it does not run.
        case windowGap = "lint.window_gap"
        /// Days on which the same offer counts twice.
        case windowOverlap = "lint.window_overlap"
        case capNeverBites = "lint.cap_never_bites"
        case capAlwaysBites = "lint.cap_always_bites"
        /// A threshold that is reached or not depending on coupons and discounts, of which the file says nothing.
        case ambiguousBasis = "lint.ambiguous_basis"
        /// A multiplier without a rate that it could multiply.
        case joinsNothing = "lint.joins_nothing"
        /// A rule that gives nothing when it matches.
        case noEffect = "lint.no_effect"
        case currencyUnearned = "lint.currency_unearned"
        case rewardUnreachable = "lint.reward_unreachable"
        /// Nothing feeds the counter that tiers look at.
        case tierUnfed = "lint.tier_unfed"
        case unused = "lint.unused"
    }

    public var code: Code
    public var message: String
    public var place: Place
    public var description: String { "\(place): \(message) (\(code.rawValue))" }
}

extension Program {
    /// Looks for what is probably a mistake. Only where it is certain: a finding is never about a sale that could be.
    ///
    /// - Parameter toml: the text that the program was loaded from.
    /// - Throws: `document.*` for another text.
    public func lint(toml: String, file: String?) throws(LoyaltyError) -> [LintFinding] {
        let root = try TableReader(TOMLDocument.parse(toml, file: file))
        var lint = Lint(program: self, source: try LintSource(root))
        lint.run()
        return lint.findings.sorted {
            ($0.place.line ?? 0, $0.place.column ?? 0, $0.code.rawValue)
                < ($1.place.line ?? 0, $1.place.column ?? 0, $1.code.rawValue)
        }
    }
}

/// The tables of a program file, for the places of findings and for what a table says in so many words.
struct LintSource {
    let root: TableReader
    private var tables: [String: [TableReader]] = [:]

    init(_ root: TableReader) throws(LoyaltyError) {
        self.root = root
        var reader = root
        for key in ["earn", "tag", "cap", "counter", "member_day", "stamps", "partner", "beneficiary", "reward"] {
            tables[key] = try reader.tables(key)
        }
    }

    func table(_ array: String, _ index: Int) -> TableReader? {
        guard let list = tables[array], list.indices.contains(index) else { return nil }
        return list[index]
    }

    func tables(_ array: String) -> [TableReader] { tables[array] ?? [] }

    /// The place of a key of a table of an array, or of the table where it has no such key.
    func place(_ array: String, _ index: Int, _ key: String = "id") -> Place {
        table(array, index)?.place(of: key) ?? root.place
    }

    /// The place of a key in a table within a table of an array, such as `window.to`.
    func place(_ array: String, _ index: Int, _ key: String, _ inner: String) -> Place {
        var copy = table(array, index)
        return (try? copy?.table(key))??.place(of: inner) ?? place(array, index, key)
    }

    /// What a key says, in a form that is the same for the same content; nil where the table has no such key.
    func words(_ array: String, _ index: Int, _ key: String) -> String? {
        var copy = table(array, index)
        return copy?.node(key).map(Self.words)
    }

    /// Whether an inner table has a key.
    func says(_ array: String, _ index: Int, _ path: String..., key: String) -> Bool {
        var current = table(array, index)
        for step in path { current = (try? current?.table(step)) ?? nil }
        return current?.keys.contains(key) ?? false
    }

    private static func words(_ node: DataNode) -> String {
        switch node.value {
        case .array(let nodes): "[\(nodes.map(words).sorted().joined(separator: ","))]"
        case .table(let entries):
            "{\(entries.map { "\($0.key)=\(words($0.node))" }.sorted().joined(separator: ","))}"
        default: "\(node.value)"
        }
    }

    /// All texts that stand under a key anywhere in the file, such as every `tag`.
    func texts(under key: String) -> Set<String> {
        var found: Set<String> = []
        func visit(_ node: DataNode, _ isUnder: Bool) {
            switch node.value {
            case .string(let text): if isUnder { found.insert(text) }
            case .array(let nodes): for node in nodes { visit(node, isUnder) }
            case .table(let entries): for entry in entries { visit(entry.node, entry.key == key) }
            default: break
            }
        }
        var copy = root
        for name in root.keys { if let node = copy.node(name) { visit(node, name == key) } }
        return found
    }
}

/// One look at a program.
struct Lint {
    let program: Program
    let source: LintSource
    var findings: [LintFinding] = []

    mutating func run() {
        for (index, rule) in program.rules.enumerated() {
            conditions(rule, index)
            effect(rule, index)
            caps(rule, index)
            basis(rule, index)
        }
        shadowed()
        windows()
        declarations()
        rewards()
        tiers()
    }

    mutating func add(_ code: LintFinding.Code, _ message: String, at place: Place) {
        findings.append(LintFinding(code: code, message: message, place: place))
    }
}
