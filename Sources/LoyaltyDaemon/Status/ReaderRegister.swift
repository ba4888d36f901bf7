internal import CardReading
internal import ControlAPI
internal import LoyaltyModel
internal import Synchronization
internal import USBReaders

/// What every reader is up to and has done on this business day, as far as this process has seen it; fed with the backend's
/// events, read by the status.
final class ReaderRegister: Sendable {
    private struct Entry {
        var description: ReaderDescription
        var state: ReaderState?
        var isGone = false
        var reads = 0
        var refused = 0
        var partials = 0
        var lastRead: Timestamp?
        var notice: ReaderNotice?
    }

    /// For those who watch.
    let journal = ReaderJournal()
    private let day = Mutex<CalendarDate?>(nil)
    private let entries = Mutex<[ReaderID: Entry]>([:])
    /// The register that a reader is on, where the settings say so. In a box of its own: a bare function that is read out of a
    /// generic place is wrapped once more each time.
    private struct Assignment {
        var register: @Sendable (ReaderDescription) -> String?
    }

    private let assignment: Mutex<Assignment>

    init(register: @escaping @Sendable (ReaderDescription) -> String?) {
        assignment = Mutex(Assignment(register: register))
    }

    /// Scans from now on go where these settings say.
    func assign(_ register: @escaping @Sendable (ReaderDescription) -> String?) {
        assignment.withLock { $0.register = register }
    }

    private func register(_ reader: ReaderDescription) -> String? {
        assignment.withLock { $0.register }(reader)
    }

    func note(_ event: ReaderEvent, at now: Timestamp, on day: CalendarDate) {
        begin(day)
        entries.withLock { entries in
            switch event {
            case .connected(let description):
                // A reader of the same model at another port: somebody has moved it.
                entries = entries.filter { id, entry in
                    !entry.isGone || id == description.id || entry.description.vendorID != description.vendorID
                        || entry.description.productID != description.productID
                }
                entries[description.id, default: Entry(description: description)].description = description
                entries[description.id]?.isGone = false
                entries[description.id]?.notice = nil
            case .state(let id, let state): entries[id]?.state = state
            case .disconnected(let id): entries[id]?.isGone = true
            case .scan(let id, _):
                entries[id]?.reads += 1
                entries[id]?.lastRead = now
            case .partialDropped(let id, let count): entries[id]?.partials += count
            case .notice(let id, let notice): entries[id]?.notice = notice
            }
        }
        if let report = eventReport(event, at: now) { journal.note(report) }
    }

    /// What the lane made of a scan. `card` is masked.
    func note(_ scan: DecodedScan, _ notice: CardScannedNotice) {
        var report = ReaderEventReport(time: notice.time, reader: notice.reader, event: .scan)
        report.entry = scan.entry.rawValue
        report.symbology = scan.symbology?.rawValue
        report.card = notice.member?.card
        report.result = notice.result
        report.code = notice.code
        report.register = notice.register
        journal.note(report)
    }

    /// nil for a scan, which is told when the lane has decided.
    private func eventReport(_ event: ReaderEvent, at now: Timestamp) -> ReaderEventReport? {
        switch event {
        case .scan: return nil
        case .connected(let description):
            var report = ReaderEventReport(time: now, reader: description.id, event: .connected)
            report.name = name(of: description)
            return report
        case .disconnected(let id): return ReaderEventReport(time: now, reader: id, event: .gone)
        case .state(let id, let state):
            var report = ReaderEventReport(time: now, reader: id, event: .state)
            report.state = state.word
            report.problem = state.reason
            report.remedy = entries.withLock { $0[id]?.description }.flatMap(state.remedy)
            return report
        case .partialDropped(let id, let count):
            var report = ReaderEventReport(time: now, reader: id, event: .dropped)
            report.count = count
            return report
        case .notice(let id, let notice):
            var report = ReaderEventReport(time: now, reader: id, event: .notice)
            report.problem = notice.message
            report.remedy = notice.remedy
            return report
        }
    }

    private func name(of description: ReaderDescription) -> String {
        let name = [description.manufacturer, description.product].compactMap { $0 }.joined(separator: " ")
        return name.isEmpty ? "USB reader" : name
    }

    /// A new day begins with new figures, and without the readers that went yesterday.
    func begin(_ day: CalendarDate) {
        let isNew = self.day.withLock { current in
            defer { current = day }
            return current != nil && current != day
        }
        guard isNew else { return }
        entries.withLock { entries in
            entries = entries.filter { !$0.value.isGone }
            for id in entries.keys {
                entries[id]?.reads = 0
                entries[id]?.refused = 0
                entries[id]?.partials = 0
            }
        }
    }

    func noteRefusal(_ id: ReaderID) { entries.withLock { $0[id]?.refused += 1 } }

    func register(of id: ReaderID) -> String? {
        entries.withLock { $0[id]?.description }.flatMap { register($0) }
    }

    var reports: [ReaderReport] {
        let entries = entries.withLock { $0 }
        return entries.values.sorted { $0.description.id.name < $1.description.id.name }.map(report)
    }

    private func report(_ entry: Entry) -> ReaderReport {
        let description = entry.description
        var report = ReaderReport(
            id: description.id, name: name(of: description),
            state: entry.isGone ? .gone : state(entry.state))
        report.usb = hexadecimal(description.vendorID) + ":" + hexadecimal(description.productID)
        report.path = description.portPath
        report.serial = description.serial
        report.driver = description.kind?.rawValue
        report.register = register(description)
        report.readsToday = entry.reads
        report.refusedToday = entry.refused
        report.errors = entry.partials
        report.lastReadAt = entry.lastRead
        if !entry.isGone {
            report.problem = entry.state?.reason ?? entry.notice?.message
            report.remedy = entry.state?.remedy(for: description) ?? entry.notice?.remedy
            report.word = entry.state?.word
            report.notice = entry.notice?.code
        }
        return report
    }

    private func state(_ state: ReaderState?) -> ReaderReport.State {
        switch state {
        case nil, .recovering?: .starting
        case .ready?: .ready
        case .unsupported?: .unsupported
        case .noPermission?, .busy?, .failed?: .trouble
        }
    }

    private func hexadecimal(_ id: UInt16) -> String {
        let digits = String(id, radix: 16)
        return String(repeating: "0", count: 4 - digits.utf8.count) + digits
    }
}
