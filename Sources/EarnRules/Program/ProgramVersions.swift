public import LoyaltyModel

/// The versions of a program. A sale is evaluated under the one that held when it happened, however late it arrives.
public struct ProgramVersions: Sendable {
    /// By rising start.
    public let versions: [Program]
    /// Versions that held once and whose files were changed or removed, the latest in force first. They count for what
    /// happened before the first of `versions` began, and for what names them.
    public let kept: [Program]

    /// - Throws: `program.conflict` where two files begin at the same time, or there is none.
    public init(_ programs: [Program], kept: [Program] = []) throws(LoyaltyError) {
        guard !programs.isEmpty else { throw LoyaltyError(.programConflict, "there is no program file") }
        let sorted = programs.sorted { $0.start < $1.start }
        for (first, second) in zip(sorted, sorted.dropFirst()) where first.start == second.start {
            throw LoyaltyError(
                .programConflict,
                "\"\(first.identity.version ?? first.identity.name)\" and \"\(second.identity.version ?? second.identity.name)\" begin at the same time",
                at: second.effectivePlace, remedy: "Give each file its own \"effective\"")
        }
        versions = sorted
        self.kept = kept.filter { old in !programs.contains { $0.identity.hash == old.identity.hash } }
    }

    /// The version that held at a time; the first one where none held yet.
    public func program(at time: Timestamp) -> Program {
        if let program = versions.last(where: { $0.holds(at: time) }) { return program }
        let earlier = kept.filter { $0.holds(at: time) }
        let start = earlier.map(\.start).max()
        return earlier.first { $0.start == start } ?? versions[0]
    }

    /// The version with this hash, for the return of a sale that it gave points for.
    public func program(hash: String) -> Program? {
        versions.last { $0.identity.hash == hash } ?? kept.first { $0.identity.hash == hash }
    }

    /// The version that begins next.
    public func next(after time: Timestamp) -> Program? { versions.first { !$0.holds(at: time) } }
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
