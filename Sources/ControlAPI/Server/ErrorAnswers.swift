import HTTPTypes
import Hummingbird
import Logging
import LoyaltyModel

extension LoyaltyError {
    /// The one place where an error becomes an HTTP status.
    var httpStatus: HTTPResponse.Status {
        if code == .controlNotFound { return .notFound }
        if code == .importBusy || code == .importTooManyRemovals { return .conflict }
        switch code.kind {
        case .usage: return .badRequest
        case .badData: return .unprocessableContent
        case .permission: return .forbidden
        case .unavailable, .temporary: return .serviceUnavailable
        case .cannotCreate, .inputOutput, .configuration, .internal: return .internalServerError
        }
    }

    /// The answer with the documented body.
    func response() -> Response {
        let body = (try? ContractCoding.encode(ErrorBody(self))) ?? []
        return Response(json: body, status: httpStatus)
    }

    /// What Hummingbird itself refuses, in the contract's words.
    init(_ error: any HTTPResponseError) {
        switch error.status {
        case .notFound:
            self.init(.controlNotFound, "there is nothing at this address")
        case .contentTooLarge:
            self.init(.controlBadRequest, "the body is too large")
        default:
            self.init(.controlBadRequest, "the request could not be read (HTTP \(error.status.code))")
        }
    }
}

extension Response {
    init(json bytes: [UInt8], status: HTTPResponse.Status = .ok) {
        self.init(
            status: status,
            headers: [.contentType: "application/json; charset=utf-8", .cacheControl: "no-store"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes))
        )
    }

    /// One JSON document a line, as they come; an empty line where there is none, which fails once nobody listens.
    init(lines: AsyncStream<ReaderRecordingLine?>) {
        self.init(
            status: .ok, headers: [.contentType: "application/x-ndjson", .cacheControl: "no-store"],
            body: ResponseBody { writer in
                for await line in lines {
                    let bytes = try line.map { line throws in try ContractCoding.encode(line) } ?? []
                    try await writer.write(ByteBuffer(bytes: bytes + [0x0a]))
                }
                try await writer.finish(nil)
            })
    }

    init(text: String, type: String) {
        self.init(
            status: .ok,
            headers: [.contentType: type, .cacheControl: "no-store"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: text))
        )
    }
}

/// Turns whatever a route throws into the documented error body. Nothing of an unknown error is shown.
struct ErrorAnswers: RouterMiddleware {
    func handle(
        _ request: Request,
        context: ControlContext,
        next: (Request, ControlContext) async throws -> Response
    ) async throws -> Response {
        do { return try await next(request, context) } catch let error as LoyaltyError {
            return error.response()
        } catch let error as any HTTPResponseError {
            return LoyaltyError(error).response()
        } catch {
            context.logger.error("a control request failed", metadata: ["type": "\(type(of: error))"])
            return LoyaltyError(
                .controlInternal, "the daemon met an error that it does not know", remedy: "See its log"
            )
            .response()
        }
    }
}
