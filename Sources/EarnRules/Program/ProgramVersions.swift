public import LoyaltyModel

/// The versions of a program. A sale is evaluated under the one that held when it happened, however late it arrives.
public struct ProgramVersions: Sendable {
    /// By rising start.
    public let versions: [Program]

    /// - Throws: `program.conflict` where two files begin at the same time, or there is none.
    public init(_ programs: [Program]) throws(LoyaltyError) {
        guard !programs.isEmpty else { throw LoyaltyError(.programConflict, "there is no program file") }
        let sorted = programs.sorted { $0.start < $1.start }
        for (first, second) in zip(sorted, sorted.dropFirst()) where first.start == second.start {
            throw LoyaltyError(
                .programConflict,
                "\"\(first.identity.version ?? first.identity.name)\" and \"\(second.identity.version ?? second.identity.name)\" begin at the same time",
                remedy: "Give each file its own \"effective\"")
        }
        versions = sorted
    }

    /// The version that held at a time; the first one where none held yet.
    public func program(at time: Timestamp) -> Program {
        versions.last { $0.holds(at: time) } ?? versions[0]
    }

    /// The version with this hash, for the return of a sale that it gave points for.
    public func program(hash: String) -> Program? { versions.last { $0.identity.hash == hash } }
}

extension Program {
    /// Whether the program has begun at a time.
    public func holds(at time: Timestamp) -> Bool {
        switch effective {
        case nil: true
        case .day(let day): day <= zone.local(time).date
        case .instant(let instant): instant <= time
        }
    }

    /// For order: the instant at which it begins.
    fileprivate var start: Int64 {
        switch effective {
        case nil: return .min
        case .instant(let instant): return instant.microseconds
        case .day(let day):
            let midnight = Timestamp(microseconds: day.daysSinceEpoch * 86_400_000_000)
            let offset = zone.local(midnight).offsetMinutes
            return midnight.microseconds - Int64(offset) * 60_000_000
        }
    }
}
