import Glibc
public import LoyaltyModel
import NIOCore
import NIOHTTP1
import NIOPosix

/// Speaks to a running daemon over its control socket. Each call is one connection.
///
/// All methods throw `control.unavailable` where no daemon answers, `control.permission` where this user may not
/// connect, `control.timeout`, `control.protocol`, and whatever the daemon itself answers with.
public struct ControlClient: Sendable {
    public let socketPath: String
    private let timeout: TimeAmount

    /// - Parameters:
    ///   - socketPath: the daemon's control socket.
    ///   - timeout: for one answer; writing a batch of members and finishing an import may take ten times as long.
    public init(socketPath: String, timeout: Duration = .seconds(10)) {
        self.socketPath = socketPath
        self.timeout = TimeAmount(timeout)
    }

    public func status() async throws(LoyaltyError) -> StatusReport { try await call(.get("/v1/status")) }

    public func configuration() async throws(LoyaltyError) -> [ConfigurationEntry] {
        try await call(.get("/v1/configuration"))
    }

    public func readers() async throws(LoyaltyError) -> [ReaderReport] { try await call(.get("/v1/readers")) }

    /// Waits up to 20 seconds for events behind a number. - Parameter number: nil asks for the present one alone.
    public func readerEvents(after number: Int?) async throws(LoyaltyError) -> ReaderEventPage {
        try await call(
            .get("/v1/readers/events", number.map { [("after", "\($0)"), ("wait", "20")] } ?? []), patience: 4)
    }

    public func signal(_ signal: TillAnswer.Signal, on reader: ReaderID) async throws(LoyaltyError) {
        let request = ReaderSignalRequest(reader: reader, signal: signal)
        _ = try await send(.post("/v1/readers/signal", ContractCoding.encode(request)))
    }

    /// What a reader sends from now on, as `GET /v1/readers/reports` answers it; the first line has the device. Ends where the
    /// daemon does, and where whoever asks stops listening.
    ///
    /// - Parameter keepsDigits: whether the digits of loyalty cards are wanted as they are.
    public func readerReports(
        of reader: ReaderID, keepsDigits: Bool = false
    ) async throws(LoyaltyError) -> AsyncThrowingStream<ReaderRecordingLine, any Error> {
        let request = ControlRequest.get(
            "/v1/readers/reports", [("reader", reader.name), ("digits", keepsDigits ? "kept" : "replaced")])
        let (lines, continuation) = AsyncThrowingStream.makeStream(of: ReaderRecordingLine.self)
        do {
            let channel = try await connecting(MultiThreadedEventLoopGroup.singleton.next()) { [timeout] in
                LineCollector(lines: continuation, timeout: timeout)
            }.get()
            continuation.onTermination = { _ in channel.close(promise: nil) }
            Self.write(request, to: channel)
        } catch {
            throw (error as? LoyaltyError) ?? cannotConnect(error)
        }
        return lines
    }

    public func sales(limit: Int = 50, before: String? = nil) async throws(LoyaltyError) -> [SaleSummary] {
        let query = [("limit", "\(limit)")] + (before.map { [("before", $0)] } ?? [])
        return try await call(.get("/v1/sales", query))
    }

    public func sale(_ reference: String) async throws(LoyaltyError) -> SaleDetail {
        try await call(.get("/v1/sale", [("ref", reference)]))
    }

    public func claim(_ request: ClaimRequest) async throws(LoyaltyError) -> ClaimResult {
        try await call(.post("/v1/sales/claim", ContractCoding.encode(request)))
    }

    /// - Parameter number: the place of the last sale that is known; 0 for the beginning.
    public func journal(after number: Int64, limit: Int = 200) async throws(LoyaltyError) -> [JournalSale] {
        try await call(.get("/v1/journal", [("after", "\(number)"), ("limit", "\(limit)")]))
    }

    public func queue(state: DeliveryState? = nil, limit: Int = 100) async throws(LoyaltyError) -> [QueueItem] {
        let query = [("limit", "\(limit)")] + (state.map { [("state", $0.rawValue)] } ?? [])
        return try await call(.get("/v1/queue", query))
    }

    public func queueItem(_ id: String) async throws(LoyaltyError) -> QueueItem {
        try await call(.get("/v1/queue/event", [("id", id)]))
    }

    /// - Parameter ids: dead events; empty is all.
    public func retry(_ ids: [String]) async throws(LoyaltyError) -> RetryResult {
        try await call(.post("/v1/queue/retry", ContractCoding.encode(RetryRequest(ids: ids))))
    }

    public func syncNow() async throws(LoyaltyError) { _ = try await send(.post("/v1/sync")) }

    public func quarantine(limit: Int = 50, before: Int64? = nil) async throws(LoyaltyError) -> [QuarantinedLine] {
        let query = [("limit", "\(limit)")] + (before.map { [("before", "\($0)")] } ?? [])
        return try await call(.get("/v1/quarantine", query))
    }

    public func quarantinedLine(_ number: Int64) async throws(LoyaltyError) -> QuarantinedLine {
        try await call(.get("/v1/quarantine/line", [("number", "\(number)")]))
    }

    public func memberCount() async throws(LoyaltyError) -> MemberCount { try await call(.get("/v1/members/count")) }

    public func member(id: MemberID) async throws(LoyaltyError) -> MemberReport {
        try await call(.get("/v1/member", [("id", id.value)]))
    }

    public func member(card: CardNumber) async throws(LoyaltyError) -> MemberReport {
        try await call(.post("/v1/members/lookup", ContractCoding.encode(CardLookup(card: card.value))))
    }

    public func beginImport(_ begin: ImportBegin) async throws(LoyaltyError) -> ImportTicket {
        try await call(.post("/v1/members/import", ContractCoding.encode(begin)))
    }

    public func importBatch(_ ticket: ImportTicket, _ batch: ImportBatch) async throws(LoyaltyError) -> ImportProgress {
        try await call(.post(path(ticket, "/batch"), ContractCoding.encode(batch)), patience: 10)
    }

    public func finishImport(_ ticket: ImportTicket) async throws(LoyaltyError) -> ImportResult {
        try await call(.post(path(ticket, "/finish")), patience: 10)
    }

    public func cancelImport(_ ticket: ImportTicket) async throws(LoyaltyError) {
        _ = try await send(ControlRequest(method: .DELETE, path: path(ticket, "")))
    }

    private func path(_ ticket: ImportTicket, _ step: String) -> String {
        "/v1/members/import/" + ControlRequest.percentEncoded(ticket.ticket) + step
    }

    private func call<Value: Decodable>(
        _ request: ControlRequest,
        patience: Int64 = 1
    ) async throws(LoyaltyError) -> Value {
        try ContractCoding.decode(Value.self, from: await send(request, patience: patience).body)
    }

    /// One exchange; an answer that is not a success is thrown as the error it carries.
    func send(_ request: ControlRequest, patience: Int64 = 1) async throws(LoyaltyError) -> ControlResponse {
        let response: ControlResponse
        do { response = try await exchange(request, timeout * patience) } catch {
            throw (error as? LoyaltyError) ?? cannotConnect(error)
        }
        if (200...299).contains(response.status) { return response }
        if let body = try? ContractCoding.decode(ErrorBody.self, from: response.body) { throw body.loyaltyError }
        throw LoyaltyError(.controlProtocol, "the daemon answered HTTP \(response.status) without saying why")
    }

    private func exchange(_ request: ControlRequest, _ timeout: TimeAmount) async throws -> ControlResponse {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let promise = loop.makePromise(of: ControlResponse.self)
        let connected = connecting(loop) { ResponseCollector(promise: promise, timeout: timeout) }
        connected.whenFailure { promise.fail($0) }
        connected.whenSuccess { Self.write(request, to: $0) }
        return try await promise.futureResult.get()
    }

    private func connecting(
        _ loop: any EventLoop, _ handler: @escaping @Sendable () -> some ChannelHandler
    ) -> EventLoopFuture<any Channel> {
        ClientBootstrap(group: loop).connectTimeout(.seconds(2)).channelInitializer { channel in
            channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHTTPClientHandlers()
                try channel.pipeline.syncOperations.addHandler(handler())
            }
        }.connect(unixDomainSocketPath: socketPath)
    }

    private static func write(_ request: ControlRequest, to channel: any Channel) {
        var headers: HTTPHeaders = ["host": "localhost", "connection": "close"]
        if let body = request.body {
            headers.add(name: "content-type", value: "application/json")
            headers.add(name: "content-length", value: "\(body.count)")
        }
        let head = HTTPRequestHead(version: .http1_1, method: request.method, uri: request.uri, headers: headers)
        channel.write(HTTPClientRequestPart.head(head), promise: nil)
        if let body = request.body {
            channel.write(HTTPClientRequestPart.body(.byteBuffer(ByteBuffer(bytes: body))), promise: nil)
        }
        channel.writeAndFlush(HTTPClientRequestPart.end(nil), promise: nil)
    }

    private func cannotConnect(_ error: any Error) -> LoyaltyError {
        let place = Place(file: socketPath)
        switch (error as? IOError)?.errnoCode {
        case EACCES, EPERM:
            return LoyaltyError(
                .controlPermission,
                "this user may not open the control socket",
                at: place,
                remedy: "Run it with sudo, or join the group of the socket"
            )
        case ENOENT, ECONNREFUSED:
            return LoyaltyError(
                .controlUnavailable,
                "loyaltyd is not running",
                at: place,
                remedy: "Start it with systemctl start loyaltyd, or name its socket with --socket or --state-dir"
            )
        case let code?:
            return LoyaltyError(.controlUnavailable, "cannot connect: \(errorText(code))", at: place)
        case nil:
            return LoyaltyError(.controlUnavailable, "cannot connect to the control socket", at: place)
        }
    }
}
