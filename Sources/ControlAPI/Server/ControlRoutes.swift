import Hummingbird
import LoyaltyModel

/// The routes, over any state.
struct ControlRoutes: Sendable {
    let state: any ControlState
    /// A new unguessable word for each page that is served.
    let nonce: @Sendable () -> String

    /// A body holds at most one batch of rows, each of which is bounded by the reader of the file.
    static let largestBody = 64 * 1024 * 1024

    /// Everything, for the Unix socket.
    func full() -> Router<ControlContext> {
        let router = Router(context: ControlContext.self)
        router.addMiddleware {
            SecurityHeaders()
            ErrorAnswers()
        }
        addPublic(to: router, masking: false)
        router.get("v1/configuration") { [state] _, _ in try Response(encoding: await state.configuration()) }
        addJournal(to: router)
        addReaders(to: router)
        addQueue(to: router)
        addMembers(to: router)
        addImport(to: router)
        return router
    }

    /// What the status page needs, for loopback: reading only, members masked.
    func page() -> Router<ControlContext> {
        let router = Router(context: ControlContext.self)
        router.addMiddleware {
            SecurityHeaders()
            ErrorAnswers()
            LoopbackGuard()
        }
        addPublic(to: router, masking: true)
        return router
    }

    private func addPublic(to router: Router<ControlContext>, masking: Bool) {
        router.get("/") { [nonce] _, _ in StatusPage.response(nonce: nonce()) }
        router.get("health") { _, _ in Response(json: Array(#"{"status":"ok"}"#.utf8)) }
        router.get("metrics") { [state] _, _ in
            Response(text: MetricsText.render(try await state.status()), type: MetricsText.contentType)
        }
        router.get("v1/status") { [state] _, _ in try Response(encoding: await state.status()) }
        router.get("v1/readers") { [state] _, _ in try Response(encoding: await state.readers()) }
        router.get("v1/sales") { [state] request, _ in
            let sales = try await state.sales(limit: request.limit(default: 50), before: request.query("before"))
            return try Response(encoding: masking ? sales.map { $0.maskingMember() } : sales)
        }
        router.get("v1/sale") { [state] request, _ in
            let sale = try found(await state.sale(request.required("ref")), "sale")
            return try Response(encoding: masking ? sale.maskingMember() : sale)
        }
    }

    private func addJournal(to router: Router<ControlContext>) {
        router.post("v1/sales/claim") { [state] request, context in
            let claim = try await request.decode(ClaimRequest.self)
            return try Response(encoding: await state.claim(claim, by: context.peerUserID()))
        }
        router.get("v1/journal") { [state] request, _ in
            let after = try request.number("after", 0...Int.max) ?? 0
            return try Response(
                encoding: await state.journal(after: Int64(after), limit: request.limit(default: 200)))
        }
    }

    private func addReaders(to router: Router<ControlContext>) {
        router.get("v1/readers/events") { [state] request, _ in
            let after = try request.number("after", 0...Int.max)
            let wait = try request.number("wait", 0...30) ?? 20
            return try Response(encoding: await state.readerEvents(after: after, patience: .seconds(wait)))
        }
        router.get("v1/readers/reports") { [state] request, context in
            var recording = ReaderRecordingRequest(reader: ReaderID(try request.required("reader")))
            switch request.query("digits") {
            case nil, "replaced": break
            case "kept": recording.keepsDigits = true
            default: throw LoyaltyError(.controlBadRequest, "digits is replaced or kept")
            }
            recording.userID = await context.peerUserID()
            return Response(lines: try await state.record(recording))
        }
        router.post("v1/readers/signal") { [state] request, _ in
            try await state.signal(request.decode(ReaderSignalRequest.self))
            return Response(json: Array("{}".utf8), status: .accepted)
        }
    }

    private func addQueue(to router: Router<ControlContext>) {
        router.get("v1/queue") { [state] request, _ in
            var wanted: DeliveryState?
            if let word = request.query("state") {
                guard let known = DeliveryState(rawValue: word) else {
                    throw LoyaltyError(.controlBadRequest, "state is waiting, held, dead or delivered")
                }
                wanted = known
            }
            return try Response(encoding: await state.queue(state: wanted, limit: request.limit(default: 100)))
        }
        router.get("v1/queue/event") { [state] request, _ in
            try Response(encoding: found(await state.queueItem(request.required("id")), "event"))
        }
        router.post("v1/queue/retry") { [state] request, _ in
            let wanted = try await request.decode(RetryRequest.self)
            return try Response(encoding: RetryResult(retried: await state.retry(wanted.ids)))
        }
        router.get("v1/quarantine") { [state] request, _ in
            let before = try request.number("before", 0...Int.max).map(Int64.init)
            return try Response(
                encoding: await state.quarantine(limit: request.limit(default: 50), before: before))
        }
        router.get("v1/quarantine/line") { [state] request, _ in
            guard let number = try request.number("number", 0...Int.max) else {
                throw LoyaltyError(.controlBadRequest, "the parameter number is missing")
            }
            return try Response(encoding: found(await state.quarantinedLine(Int64(number)), "line in quarantine"))
        }
        router.post("v1/sync") { [state] _, _ in
            try await state.syncNow()
            return Response(json: Array("{}".utf8), status: .accepted)
        }
    }

    private func addMembers(to router: Router<ControlContext>) {
        router.get("v1/members/count") { [state] _, _ in try Response(encoding: await state.memberCount()) }
        router.get("v1/member") { [state] request, _ in
            try Response(encoding: found(await state.member(id: MemberID(request.required("id"))), "member"))
        }
        router.post("v1/members/lookup") { [state] request, _ in
            guard let card = CardNumber(try await request.decode(CardLookup.self).card) else {
                throw LoyaltyError(.controlBadRequest, "that is not a card number")
            }
            return try Response(encoding: found(await state.member(card: card), "member with this card"))
        }
    }

    private func addImport(to router: Router<ControlContext>) {
        router.post("v1/members/import") { [state] request, _ in
            try Response(encoding: await state.beginImport(request.decode(ImportBegin.self)))
        }
        router.post("v1/members/import/{ticket}/batch") { [state] request, context in
            let ticket = ImportTicket(ticket: try context.parameters.require("ticket"))
            return try Response(encoding: await state.importBatch(ticket, request.decode(ImportBatch.self)))
        }
        router.post("v1/members/import/{ticket}/finish") { [state] _, context in
            let ticket = ImportTicket(ticket: try context.parameters.require("ticket"))
            return try Response(encoding: await state.finishImport(ticket))
        }
        router.delete("v1/members/import/{ticket}") { [state] _, context in
            try await state.cancelImport(ImportTicket(ticket: try context.parameters.require("ticket")))
            return Response(json: Array("{}".utf8))
        }
    }
}

private func found<Value>(_ value: Value?, _ what: String) throws(LoyaltyError) -> Value {
    guard let value else { throw LoyaltyError(.controlNotFound, "there is no such \(what)") }
    return value
}

extension Response {
    fileprivate init(encoding value: some Encodable) throws(LoyaltyError) {
        self.init(json: try ContractCoding.encode(value))
    }
}

extension Request {
    fileprivate func query(_ name: String) -> String? {
        guard let value = uri.queryParameters.get(name), !value.isEmpty else { return nil }
        return value
    }

    fileprivate func required(_ name: String) throws(LoyaltyError) -> String {
        guard let value = query(name) else {
            throw LoyaltyError(.controlBadRequest, "the parameter \(name) is missing")
        }
        return value
    }

    fileprivate func number(_ name: String, _ range: ClosedRange<Int>) throws(LoyaltyError) -> Int? {
        guard let text = query(name) else { return nil }
        guard let number = Int(text), range.contains(number) else {
            throw LoyaltyError(
                .controlBadRequest, "\(name) is a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    fileprivate func limit(default standard: Int) throws(LoyaltyError) -> Int {
        guard let text = query("limit") else { return standard }
        guard let limit = Int(text), (1...1000).contains(limit) else {
            throw LoyaltyError(.controlBadRequest, "limit is 1 to 1000")
        }
        return limit
    }

    fileprivate func decode<Value: Decodable>(_ type: Value.Type) async throws -> Value {
        let buffer = try await body.collect(upTo: ControlRoutes.largestBody)
        return try ContractCoding.decode(type, from: Array(buffer.readableBytesView))
    }
}
