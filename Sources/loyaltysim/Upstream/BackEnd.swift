import LoyaltyModel

/// The simulated back end without its HTTP: takes the bytes of a request, says what to answer. Requests are handled one at a
/// time, so that the same requests in the same order always give the same answers.
actor BackEnd {
    /// What the client sees.
    enum Answer: Sendable {
        case status(Int, retryAfter: Int? = nil)
        case results([EventResult])
        /// Close the connection instead.
        case hangUp
    }

    struct EventResult: Encodable, Sendable {
        var id: String?
        var status: Int
        var reason: String?
    }

    struct Summary: Encodable, Sendable {
        var events: Int
        var duplicates: Int
        var conflicts: Int
        var outOfOrder: Int
        var missing: Int64
        var batches: Int
        var points: String?
        var pointsByCurrency: [String: String]
        var kinds: [String: Int]
        var faultsActive: [String]
        var faultsInjected: [String: Int]

        private enum CodingKeys: String, CodingKey {
            case events, duplicates, conflicts, missing, batches, points, kinds
            case outOfOrder = "out_of_order"
            case pointsByCurrency = "points_by_currency"
            case faultsActive = "faults_active"
            case faultsInjected = "faults_injected"
        }
    }

    private var archive: EventArchive
    private var faults: FaultPlan

    init(archive: EventArchive, faults: FaultPlan) {
        self.archive = archive
        self.faults = faults
    }

    func replaceFaults(_ list: [BackEndFault]) { faults.replace(with: list) }

    /// How long to wait before the next request is handled.
    func delay() -> Duration { .milliseconds(faults.lasting("slow") ?? 0) }

    /// - Throws: `sim.file`.
    func recorded() throws(LoyaltyError) -> [UInt8] { try archive.recorded() }

    func summary() -> Summary {
        let tally = archive.tally
        return Summary(
            events: tally.events, duplicates: tally.duplicates, conflicts: tally.conflicts,
            outOfOrder: tally.outOfOrder, missing: tally.missing, batches: tally.batches,
            points: tally.pointsTotal?.description,
            pointsByCurrency: tally.points.compactMapValues { $0?.description },
            kinds: tally.kinds, faultsActive: faults.active, faultsInjected: faults.injected)
    }

    /// Handles the body of one `POST /events`. - Throws: `sim.file`; then nothing is stored.
    func receive(_ body: [UInt8]) throws(LoyaltyError) -> Answer {
        if faults.take("refuse") { return .hangUp }
        if faults.lasting("unauthorized") != nil { return .status(401) }
        if faults.take("busy") { return .status(429, retryAfter: 1) }
        if faults.take("error") { return .status(500) }
        guard let elements = jsonElements(body) else { return .status(400) }
        archive.countBatch()
        return try answer(to: elements)
    }

    private func answer(to elements: [[UInt8]]) throws(LoyaltyError) -> Answer {
        var results: [EventResult] = []
        var accepted: [(place: Int, event: ReceivedEvent)] = []
        for element in elements {
            do {
                let event = try ReceivedEvent(text: element)
                if let status = faults.refusal(id: event.identity.id, sequence: event.payload.seq) {
                    results.append(EventResult(id: event.identity.id, status: status, reason: "rejected on request"))
                } else {
                    accepted.append((results.count, event))
                    results.append(EventResult(id: event.identity.id, status: 200, reason: nil))
                }
            } catch {
                results.append(EventResult(id: ReceivedEvent.id(in: element), status: 400, reason: error.message))
            }
        }
        let wholesale = faults.lasting("no-results") != nil
        if wholesale, let failure = results.first(where: { $0.status != 200 }) { return .status(failure.status) }

        let isCut = faults.take("half")
        if isCut {
            let cut = elements.count / 2
            for refused in accepted where refused.place >= cut {
                results[refused.place] = EventResult(id: refused.event.identity.id, status: 503, reason: "half taken")
            }
            accepted.removeAll { $0.place >= cut }
        }
        let receptions = try archive.store(accepted.map(\.event))
        for (taken, reception) in zip(accepted, receptions) {
            switch reception {
            case .stored: break
            case .duplicate: results[taken.place].reason = "duplicate"
            case .conflict:
                results[taken.place] = EventResult(
                    id: taken.event.identity.id, status: 409, reason: "known with other content")
            }
        }
        if faults.take("drop-answer") { return .hangUp }
        if wholesale { return .status(isCut ? 503 : 200) }
        return .results(results)
    }
}
