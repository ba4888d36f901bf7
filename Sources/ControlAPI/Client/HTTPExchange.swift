import LoyaltyModel
import NIOCore
import NIOHTTP1
import NIOPosix

/// One request to the control API.
struct ControlRequest: Sendable {
    var method: HTTPMethod
    var path: String
    var query: [(String, String)] = []
    var body: [UInt8]?

    static func get(_ path: String, _ query: [(String, String)] = []) -> ControlRequest {
        ControlRequest(method: .GET, path: path, query: query)
    }

    static func post(_ path: String, _ body: [UInt8] = Array("{}".utf8)) -> ControlRequest {
        ControlRequest(method: .POST, path: path, body: body)
    }

    var uri: String {
        guard !query.isEmpty else { return path }
        return path + "?" + query.map { "\($0)=\(Self.percentEncoded($1))" }.joined(separator: "&")
    }

    /// RFC 3986: all but the unreserved characters.
    static func percentEncoded(_ text: String) -> String {
        var encoded = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                encoded.unicodeScalars.append(Unicode.Scalar(byte))
            default: encoded += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }
        return encoded
    }
}

struct ControlResponse: Sendable {
    var status: Int
    var body: [UInt8]
}

/// Collects the one response of a connection and settles its promise exactly once, whatever happens to the connection.
final class ResponseCollector: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart

    static let largestBody = 64 * 1024 * 1024

    private let promise: EventLoopPromise<ControlResponse>
    private let timeout: TimeAmount
    private var deadline: Scheduled<Void>?
    private var status = 0
    private var body: [UInt8] = []
    private var settled = false

    init(promise: EventLoopPromise<ControlResponse>, timeout: TimeAmount) {
        self.promise = promise
        self.timeout = timeout
    }

    func handlerAdded(context: ChannelHandlerContext) {
        let channel = context.channel
        let promise = promise
        let seconds = timeout.nanoseconds / 1_000_000_000
        deadline = context.eventLoop.scheduleTask(in: timeout) {
            promise.fail(
                LoyaltyError(
                    .controlTimeout,
                    "the daemon did not answer within \(seconds) s",
                    remedy: "See its log; it may be waiting for the disk"
                )
            )
            channel.close(promise: nil)
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): status = Int(head.status.code)
        case .body(let buffer):
            guard body.count + buffer.readableBytes <= Self.largestBody else {
                settle(.failure(LoyaltyError(.controlProtocol, "the daemon's answer is too large")), context)
                return
            }
            body.append(contentsOf: buffer.readableBytesView)
        case .end: settle(.success(ControlResponse(status: status, body: body)), context)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        settle(.failure(LoyaltyError(.controlProtocol, "the daemon's answer is not HTTP")), context)
    }

    func channelInactive(context: ChannelHandlerContext) {
        settle(.failure(LoyaltyError(.controlUnavailable, "the daemon closed the connection")), context)
    }

    private func settle(_ result: Result<ControlResponse, any Error>, _ context: ChannelHandlerContext) {
        guard !settled else { return }
        settled = true
        deadline?.cancel()
        promise.completeWith(result)
        context.close(promise: nil)
    }
}

/// Hands out the lines of an answer that goes on and on. An answer that is not a success becomes the error it carries.
final class LineCollector: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart

    /// In bytes.
    static let longestLine = 1024 * 1024

    private let lines: AsyncThrowingStream<ReaderRecordingLine, any Error>.Continuation
    private let timeout: TimeAmount
    private var deadline: Scheduled<Void>?
    private var status = 0
    private var rest: [UInt8] = []

    init(lines: AsyncThrowingStream<ReaderRecordingLine, any Error>.Continuation, timeout: TimeAmount) {
        self.lines = lines
        self.timeout = timeout
    }

    func handlerAdded(context: ChannelHandlerContext) { restartTimeout(context) }

    private func restartTimeout(_ context: ChannelHandlerContext) {
        deadline?.cancel()
        let (channel, lines) = (context.channel, lines)
        deadline = context.eventLoop.scheduleTask(in: timeout) {
            lines.finish(throwing: LoyaltyError(.controlTimeout, "the daemon has fallen silent", remedy: "See its log"))
            channel.close(promise: nil)
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        restartTimeout(context)
        switch unwrapInboundIn(data) {
        case .head(let head): status = Int(head.status.code)
        case .body(let buffer):
            rest.append(contentsOf: buffer.readableBytesView)
            if (200...299).contains(status) { takeLines(context) }
            if rest.count > Self.longestLine {
                end(LoyaltyError(.controlProtocol, "a line of the daemon's is too long"), context)
            }
        case .end:
            guard !(200...299).contains(status) else { return end(nil, context) }
            let body = try? ContractCoding.decode(ErrorBody.self, from: rest)
            end(
                body?.loyaltyError
                    ?? LoyaltyError(.controlProtocol, "the daemon answered HTTP \(status) without saying why"), context
            )
        }
    }

    private func takeLines(_ context: ChannelHandlerContext) {
        while let newline = rest.firstIndex(of: 0x0a) {
            let line = Array(rest[..<newline])
            rest.removeSubrange(...newline)
            guard !line.isEmpty else { continue }
            do { lines.yield(try ContractCoding.decode(ReaderRecordingLine.self, from: line)) } catch {
                return end(error, context)
            }
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        end(LoyaltyError(.controlProtocol, "the daemon's answer is not HTTP"), context)
    }

    func channelInactive(context: ChannelHandlerContext) { end(nil, context) }

    private func end(_ error: LoyaltyError?, _ context: ChannelHandlerContext) {
        deadline?.cancel()
        if let error { lines.finish(throwing: error) } else { lines.finish() }
        context.close(promise: nil)
    }
}
