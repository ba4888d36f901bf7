import ControlAPI
import LoyaltyModel

extension ReaderReport {
    /// The reader that a command is for.
    ///
    /// - Parameter id: nil: the only one that is ready.
    /// - Throws: `readers.none_ready`
    static func ready(_ readers: [ReaderReport], _ id: String?) throws(LoyaltyError) -> ReaderReport {
        let ready = readers.filter { $0.state == .ready }
        if let id {
            guard let reader = readers.first(where: { $0.id.name == id }) else {
                throw LoyaltyError(.readersNoneReady, "there is no reader \(id)", remedy: list(ready))
            }
            guard reader.state == .ready else {
                throw LoyaltyError(
                    .readersNoneReady, "\(reader.name) is not read: \(reader.problem ?? reader.state.rawValue)",
                    remedy: reader.remedy)
            }
            return reader
        }
        guard let reader = ready.first, ready.count == 1 else {
            let trouble = readers.compactMap { reader in reader.problem.map { "\(reader.name): \($0)" } }
            let none = "no reader is ready" + (trouble.isEmpty ? "" : "; " + trouble.joined(separator: "; "))
            throw LoyaltyError(
                .readersNoneReady, ready.isEmpty ? none : "several readers are ready: say which one",
                remedy: ready.isEmpty
                    ? readers.lazy.compactMap(\.remedy).first ?? "loyaltyctl readers doctor tells what is in the way"
                    : list(ready))
        }
        return reader
    }

    private static func list(_ readers: [ReaderReport]) -> String {
        readers.isEmpty
            ? "None is ready: loyaltyctl readers doctor tells why"
            : "Ready: " + readers.map { "\($0.id) (\($0.name))" }.joined(separator: ", ")
    }
}

extension LoyaltyError.Code {
    static let readersNoneReady = Self("readers.none_ready", kind: .badData)
}
