import FoundationEssentials
import HTTPTypes
import Hummingbird
import Logging
import LoyaltyModel
import NIOCore

/// A back end on a real socket, for the command and for tests.
struct SimulatedBackEnd: Sendable {
    static let maximumBodySize = 16 * 1024 * 1024

    let backEnd: BackEnd
    private let address: ListenAddress
    private let token: String?

    init(address: ListenAddress, archive: EventArchive, faults: FaultPlan = FaultPlan(), token: String? = nil) {
        self.address = address
        self.token = token
        backEnd = BackEnd(archive: archive, faults: faults)
    }

    /// Serves until the task is cancelled. `onListening` gets the root URL once the socket is open.
    func run(onListening: @escaping @Sendable (String) async -> Void) async throws {
        try await application(onListening).run()
    }

    /// Serves until SIGINT or SIGTERM.
    func runUntilSignal(onListening: @escaping @Sendable (String) async -> Void) async throws {
        try await application(onListening).runService()
    }

    private func application(
        _ onListening: @escaping @Sendable (String) async -> Void
    ) -> some ApplicationProtocol {
        let address = address
        var logger = Logger(label: "loyaltysim")
        logger.logLevel = .error
        return Application(
            router: router(),
            configuration: ApplicationConfiguration(address: .hostname(address.host, port: address.port)),
            onServerRunning: { channel in
                await onListening(address.url(port: channel.localAddress?.port ?? address.port))
            },
            logger: logger
        )
    }

    private func router() -> Router<ConnectionContext> {
        let router = Router(context: ConnectionContext.self)
        let backEnd = backEnd
        let token = token
        router.post("events") { request, context in
            try await Self.receive(request, context, backEnd, token: token)
        }
        router.get("events") { _, _ in
            Response(
                status: .ok, headers: [.contentType: "application/x-ndjson"],
                body: ResponseBody(byteBuffer: ByteBuffer(bytes: try await backEnd.recorded())))
        }
        router.get("summary") { _, _ in try Self.json(await backEnd.summary()) }
        router.post("faults") { request, _ in
            struct FaultList: Decodable { var faults: [String] }
            do {
                let body = try await Self.bytes(request)
                let list = try JSONDecoder().decode(FaultList.self, from: Data(body))
                await backEnd.replaceFaults(try list.faults.map { try BackEndFault($0) })
                return try Self.json(await backEnd.summary())
            } catch let error as LoyaltyError {
                return try Self.json(["error": error.description], status: .badRequest)
            } catch is DecodingError {
                return try Self.json(["error": #"expected {"faults": ["error:3"]}"#], status: .badRequest)
            }
        }
        return router
    }

    private static func receive(
        _ request: Request, _ context: ConnectionContext, _ backEnd: BackEnd, token: String?
    ) async throws -> Response {
        let delay = await backEnd.delay()
        if delay > .zero { try await Task.sleep(for: delay) }
        if let token, request.headers[.authorization] != "Bearer \(token)" { return Response(status: .unauthorized) }
        let type = request.headers[.contentType]?.prefix { $0 != ";" && $0 != " " }.lowercased()
        guard type == "application/cloudevents-batch+json" || type == "application/cloudevents+json" else {
            return Response(status: .unsupportedMediaType)
        }
        switch try await backEnd.receive(try await bytes(request)) {
        case .hangUp:
            try? await context.channel.close()
            return Response(status: .serviceUnavailable)
        case .status(let code, let retryAfter):
            var headers: HTTPFields = [:]
            if let retryAfter { headers[.retryAfter] = String(retryAfter) }
            return Response(status: .init(code: code), headers: headers)
        case .results(let results):
            return try json(results, status: .init(code: 207, reasonPhrase: "Multi-Status"))
        }
    }

    private static func bytes(_ request: Request) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        for try await part in request.body {
            guard bytes.count + part.readableBytes <= maximumBodySize else { throw HTTPError(.contentTooLarge) }
            bytes.append(contentsOf: part.readableBytesView)
        }
        return bytes
    }

    private static func json(_ value: some Encodable, status: HTTPResponse.Status = .ok) throws -> Response {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let bytes = try encoder.encode(value)
        return Response(
            status: status, headers: [.contentType: "application/json"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
    }
}

/// Knows its connection, so that a fault can cut it.
private struct ConnectionContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    let channel: any Channel

    init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        channel = source.channel
    }
}
