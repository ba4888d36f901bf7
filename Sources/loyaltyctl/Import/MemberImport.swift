import ControlAPI
import LoyaltyModel

extension LoyaltyError.Code {
    /// Rows of the file are bad; each was named.
    static let importBadRows = Self("import.bad_rows", kind: .badData)
    static let importFileChanged = Self("import.file_changed", kind: .temporary)
}

/// Brings a member file into the daemon's cache: checks the whole file first, then sends it in batches.
struct MemberImport {
    struct Options {
        var format: MemberFileFormat
        var kind: ImportBegin.Kind
        var skipsBadRows: Bool
        var force: Bool
        var batch: Int
    }

    /// So many bad rows are named; the others are counted.
    static let mostNamed = 20

    let source: MemberFileSource
    let options: Options
    let client: ControlClient
    let isPaymentCard: (String) -> Bool
    /// Where bad rows are named.
    let report: (String) -> Void

    private var badRows = 0

    init(
        source: MemberFileSource,
        options: Options,
        client: ControlClient,
        isPaymentCard: @escaping (String) -> Bool,
        report: @escaping (String) -> Void
    ) {
        self.source = source
        self.options = options
        self.client = client
        self.isPaymentCard = isPaymentCard
        self.report = report
    }

    /// - Throws: `import.bad_rows` with nothing imported, or whatever reader, file and daemon throw.
    mutating func run() async throws -> ImportResult {
        if !options.skipsBadRows { try check() }
        return try await send()
    }

    /// The first pass: nothing is sent before the whole file is known to be good.
    private mutating func check() throws(LoyaltyError) {
        var rows = 0
        var pass = FilePass(self, verb: "Checking")
        while let part = try pass.next() {
            for row in part {
                rows += 1
                if case .failure(let error) = row.result { name(error, line: row.line) }
            }
        }
        pass.end()
        guard badRows == 0 else {
            nameRest()
            throw LoyaltyError(
                .importBadRows,
                "\(Words.grouped(badRows)) of \(Words.count(rows, "row is", "rows are")) bad; nothing was imported",
                remedy: "Mend them, or leave them out with --skip-bad-rows"
            )
        }
        guard rows > 0 else { throw LoyaltyError(.memberFileEmpty, "\(source.name) has no rows; nothing was imported") }
    }

    private mutating func send() async throws -> ImportResult {
        let begin = ImportBegin(kind: options.kind, source: source.name, force: options.force)
        let ticket = try await client.beginImport(begin)
        do {
            return try await send(under: ticket)
        } catch {
            // The error is what counts; a daemon that is gone has dropped the import itself.
            try? await client.cancelImport(ticket)
            throw error
        }
    }

    private mutating func send(under ticket: ImportTicket) async throws -> ImportResult {
        var total = ImportResult(kind: options.kind)
        var batch = ImportBatch(rows: [])
        var pass = FilePass(self, verb: "Importing")
        while let part = try pass.next() {
            for row in part {
                total.rows += 1
                switch row.result {
                case .success(let member):
                    batch.rows.append(ImportBatch.Row(line: row.line, row: member))
                    if batch.rows.count >= options.batch { try await flush(&batch, ticket, &total) }
                case .failure(let error):
                    guard options.skipsBadRows else {
                        throw LoyaltyError(.importFileChanged, "\(source.name) changed while it was read")
                    }
                    total.skipped += 1
                    name(error, line: row.line)
                }
            }
        }
        try await flush(&batch, ticket, &total)
        pass.end()
        nameRest()
        return try await finish(ticket, total)
    }

    private mutating func flush(
        _ batch: inout ImportBatch,
        _ ticket: ImportTicket,
        _ total: inout ImportResult
    ) async throws {
        guard !batch.rows.isEmpty else { return }
        let progress = try await client.importBatch(ticket, batch)
        batch.rows.removeAll(keepingCapacity: true)
        total.added += progress.added
        total.changed += progress.changed
        total.unchanged += progress.unchanged
        total.removed += progress.removed
        total.skipped += progress.errors.count
        for error in progress.errors {
            let place = Place(line: error.line, path: error.field)
            name(
                LoyaltyError(LoyaltyError.Code(error.code, kind: .badData), error.message, at: place), line: error.line)
        }
        guard progress.errors.isEmpty || options.skipsBadRows else {
            nameRest()
            let done = total.added + total.changed + total.unchanged + total.removed
            throw LoyaltyError(
                .importBadRows,
                "the daemon refused \(Words.count(badRows, "row", "rows")) and the import stopped; "
                    + "\(Words.count(done, "row was", "rows were")) imported before, nobody was removed",
                remedy: "Mend them and import again, or leave them out with --skip-bad-rows"
            )
        }
    }

    /// A snapshot from which rows were left out does not say who is no member any more: nobody is removed then.
    private func finish(_ ticket: ImportTicket, _ total: ImportResult) async throws -> ImportResult {
        guard options.kind == .snapshot, total.skipped > 0, !options.force else {
            var result = try await client.finishImport(ticket)
            result.rows = total.rows
            result.skipped = total.skipped
            return result
        }
        try await client.cancelImport(ticket)
        report(
            "Nobody was removed, because \(Words.count(total.skipped, "row was", "rows were")) left out. "
                + "Mend the file and import it again, or use --force."
        )
        var result = total
        result.members = try await client.memberCount().members
        return result
    }

    private mutating func name(_ error: LoyaltyError, line: Int) {
        badRows += 1
        guard badRows <= Self.mostNamed else { return }
        var place = error.place ?? Place(line: line)
        let field = place.path.map { "\($0): " } ?? ""
        place.path = nil
        place.file = source.name
        report("\(place): \(field)\(error.message)" + (error.remedy.map { ". \($0)" } ?? ""))
    }

    private func nameRest() {
        guard badRows > Self.mostNamed else { return }
        report("and \(Words.grouped(badRows - Self.mostNamed)) more bad rows")
    }
}

/// One reading of the file from beginning to end, in parts.
private struct FilePass {
    private let source: MemberFileSource
    private var reader: MemberFileReader
    private var duplicates: SnapshotCheck?
    private var offset: Int64 = 0
    private var rows = 0
    private var isAtEnd = false
    private var progress: ImportProgressLine

    init(_ task: MemberImport, verb: String) {
        source = task.source
        reader = MemberFileReader(format: task.options.format, isPaymentCard: task.isPaymentCard)
        duplicates = task.options.kind == .snapshot ? SnapshotCheck() : nil
        let meter = ImportMeter(verb: verb, size: task.source.size)
        progress = ImportProgressLine(meter, isTerminal: Terminal.errorIsTerminal)
    }

    /// The rows of the next bytes; nil behind the last.
    mutating func next() throws(LoyaltyError) -> [MemberFileReader.Row]? {
        guard !isAtEnd else { return nil }
        let bytes = try source.chunk(at: offset)
        offset += Int64(bytes.count)
        if bytes.isEmpty {
            isAtEnd = true
            reader.finish()
        } else {
            reader.append(bytes)
        }
        var part: [MemberFileReader.Row]
        do { part = try reader.rows() } catch {
            var place = error.place ?? Place()
            place.file = source.name
            throw error.at(place)
        }
        for index in part.indices {
            guard case .success(let row) = part[index].result else { continue }
            do { try duplicates?.add(row, line: part[index].line) } catch { part[index].result = .failure(error) }
        }
        rows += part.count
        progress.update(rows: rows, bytes: offset)
        return part
    }

    func end() { progress.end() }
}
