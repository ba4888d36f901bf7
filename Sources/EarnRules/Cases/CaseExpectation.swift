public import LoyaltyModel

extension ProgramCase {
    /// One key of what a step must come to.
    struct Expectation: Sendable {
        enum Value: Sendable {
            /// By currency, and for `earns` by stamp card.
            case earns([String: Points])
            case balance([String: Points])
            case pending([String: Points])
            case owed([String: Points])
            case rules([String: DecimalNumber])
            case wanted([String: DecimalNumber])
            /// By account, then by currency.
            case gives([String: [String: Points]])
            case expiring(currency: String, [PointsBalance.Ending])
            case tier(String?)
            case tierUntil(CalendarDate?)
            case stamps([String: Int64])
            case issued([String: Int64])
            case entitlements([String: Right])
            case counters([String: DecimalNumber])
            case forwards([String: Money])
            case offers([String: [DecimalNumber]])
            case worth(Money)
            case flags([String])
            case version(String)
            case error(String)
        }

        enum Right: Hashable, Sendable, CustomStringConvertible {
            case none, open
            case until(CalendarDate)

            var description: String {
                switch self {
                case .none: "none"
                case .open: "without end"
                case .until(let day): "until \(day)"
                }
            }
        }

        var key: String
        var place: Place
        var value: Value
    }
}

/// How a case came out.
public struct CaseOutcome: Sendable {
    /// Something that is not as it was expected.
    public struct Failure: Sendable {
        /// The step's id.
        public var step: String
        /// Such as `earns points`.
        public var what: String
        public var place: Place
        public var expected: String
        public var got: String
        /// How the step was worked out.
        public var trace: [TraceStep]
    }

    public var name: String
    public var place: Place
    public var failures: [Failure]
    public var passed: Bool { failures.isEmpty }
}
