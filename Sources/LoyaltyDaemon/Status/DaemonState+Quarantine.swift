internal import ControlAPI
internal import Storage

extension DaemonState {
    private var quarantine: QuarantineRegister { QuarantineRegister(parts.database) }

    func quarantine(limit: Int, before: Int64?) async throws -> [QuarantinedLine] {
        try await quarantine.recent(limit: limit, before: before).map(QuarantinedLine.init)
    }

    func quarantinedLine(_ number: Int64) async throws -> QuarantinedLine? {
        try await quarantine.row(number).map(QuarantinedLine.init)
    }
}

extension QuarantinedLine {
    fileprivate init(_ row: QuarantineRegister.Row) {
        self.init(
            number: row.number, receivedAt: row.receivedAt, code: row.code, message: row.message, line: row.line)
    }
}
