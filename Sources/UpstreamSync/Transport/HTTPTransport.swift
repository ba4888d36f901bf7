import AsyncHTTPClient
public import LoyaltyModel
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// Posts batches over HTTP, TLS where the address says so, no proxy, redirects not followed.
public final class HTTPTransport: UpstreamTransport {
    public struct Settings: Sendable {
        public var url: UpstreamURL
        /// Sent besides the fixed ones.
        public var headers: [(name: String, value: String)] = []
        public var userAgent = "loyaltyd"
        public var connectTimeout: Duration = .seconds(10)
        /// The longest silence.
        public var readTimeout: Duration = .seconds(30)
        /// The longest that one request may take.
        public var requestTimeout: Duration = .seconds(60)

        public init(url: UpstreamURL) { self.url = url }
    }

    /// Longest answer that is read, in bytes.
    public static let maximumAnswerSize = 1_048_576

    private let settings: Settings
    private let token: @Sendable () async throws(LoyaltyError) -> String?
    /// Made at the first request, as a client that nobody shuts down stops a debug build.
    private let client = Mutex<HTTPClient?>(nil)

    /// - Parameter token: the bearer token, asked for before every request so that it can be renewed; nil sends none.
    public init(settings: Settings, token: @escaping @Sendable () async throws(LoyaltyError) -> String? = { nil }) {
        self.settings = settings
        self.token = token
    }

    public func send(_ batch: CloudEventsBatch) async throws(LoyaltyError) -> UpstreamResponse {
        let request = try await request(for: batch)
        let client = client.withLock { client in
            let current =
                client ?? HTTPClient(eventLoopGroup: HTTPClient.defaultEventLoopGroup, configuration: configuration)
            client = current
            return current
        }
        do {
            let response = try await client.execute(request, timeout: TimeAmount(settings.requestTimeout))
            let status = Int(response.status.code)
            return UpstreamResponse(
                status: status,
                retryAfter: response.headers.first(name: "retry-after"),
                date: response.headers.first(name: "date"),
                body: try await Self.body(response, isNeeded: (200..<300).contains(status)))
        } catch let error as LoyaltyError {
            throw error
        } catch { throw Self.error(error, host: settings.url.host) }
    }

    public func shutdown() async {
        let client = client.withLock { client in
            defer { client = nil }
            return client
        }
        // Fails only for a client that is shut down already.
        try? await client?.shutdown()
    }

    private var configuration: HTTPClient.Configuration {
        var configuration = HTTPClient.Configuration(
            redirectConfiguration: .disallow,
            timeout: HTTPClient.Configuration.Timeout(
                connect: TimeAmount(settings.connectTimeout), read: TimeAmount(settings.readTimeout)))
        // The delivery machine does the retries, and a person wants to see why at once.
        configuration.connectionPool.retryConnectionEstablishment = false
        return configuration
    }

    private func request(for batch: CloudEventsBatch) async throws(LoyaltyError) -> HTTPClientRequest {
        var request = HTTPClientRequest(url: settings.url.text)
        request.method = .POST
        for header in settings.headers { request.headers.add(name: header.name, value: header.value) }
        request.headers.replaceOrAdd(name: "content-type", value: CloudEventsBatch.contentType)
        request.headers.replaceOrAdd(name: "accept", value: "application/json")
        request.headers.replaceOrAdd(name: "user-agent", value: settings.userAgent)
        if let token = try await token() {
            guard !token.isEmpty, token.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else {
                throw LoyaltyError(
                    .upstreamToken, "the token is empty or holds blanks or control characters",
                    remedy: "put the bare token on the first line of its file")
            }
            request.headers.replaceOrAdd(name: "authorization", value: "Bearer \(token)")
        }
        request.body = .bytes(ByteBuffer(bytes: batch.encoded()))
        return request
    }

    /// A failure's body only explains, so one that cannot be read does not hide the status.
    private static func body(_ response: HTTPClientResponse, isNeeded: Bool) async throws -> [UInt8] {
        do {
            let buffer = try await response.body.collect(upTo: maximumAnswerSize)
            return Array(buffer.readableBytesView)
        } catch is NIOTooManyBytesError where isNeeded {
            throw LoyaltyError(.upstreamAnswer, "the answer is longer than \(maximumAnswerSize) bytes")
        } catch  where !isNeeded { return [] }
    }

    /// Says what happened in words of our own: the client's descriptions can repeat header values.
    private static func error(_ error: any Error, host: String) -> LoyaltyError {
        switch error {
        case let error as HTTPClientError:
            let timeouts: [HTTPClientError] = [
                .connectTimeout, .readTimeout, .writeTimeout, .deadlineExceeded, .tlsHandshakeTimeout,
                .getConnectionFromPoolTimeout,
            ]
            if timeouts.contains(error) {
                return LoyaltyError(.upstreamTimeout, "\(host) did not answer in time (\(error.shortDescription))")
            }
            if error == .remoteConnectionClosed {
                return LoyaltyError(.upstreamConnect, "\(host) closed the connection without an answer")
            }
            return LoyaltyError(.upstreamConnect, "no answer from \(host): \(error.shortDescription)")
        case let error as NIOConnectionError:
            let reason = error.connectionErrors.first.map { "\($0.error)" } ?? "the name is not known"
            return LoyaltyError(.upstreamConnect, "cannot connect to \(host): \(reason)")
        case let error as IOError:
            return LoyaltyError(.upstreamConnect, "the connection to \(host) broke: \(error)")
        case let error where String(reflecting: type(of: error)).hasPrefix("NIOSSL."):
            return LoyaltyError(
                .upstreamTLS, "no trusted connection to \(host): \(String(describing: error).prefix(200))",
                remedy: "look at the certificate's name, its dates and the clock of this machine")
        default: return LoyaltyError(.upstreamConnect, "no answer from \(host) (\(type(of: error)))")
        }
    }
}

extension TimeAmount {
    fileprivate init(_ duration: Duration) {
        let (nanoseconds, overflow) = duration.microseconds.multipliedReportingOverflow(by: 1000)
        self = .nanoseconds(overflow ? .max / 4 : nanoseconds)
    }
}
